"""Waiting for what has to happen, with a deadline: the one place where tests look at a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


PATIENCE = 60.0
"""Seconds until a test gives up: no claim about speed, but far beyond what a busy machine needs."""


def eventually(look: Callable[[], T], seconds: float = PATIENCE, every: float = 0.02) -> T:
    """What `look` returns once it is true, or its last answer when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(every)
