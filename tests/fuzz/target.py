"""What is fuzzed: a function of bytes that raises nothing where the property holds, and first inputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

Attempt = Callable[[bytes], None]

BOUND = 1.0
"""Seconds of processor time for one input."""


@dataclass(frozen=True)
class Surroundings:
    """What a target may use; those of pure functions do not."""

    folder: Path
    redis_url: str = ""


@dataclass(frozen=True)
class Target:
    opened: Callable[[Surroundings], AbstractContextManager[Attempt]]
    seeds: Callable[[], Iterable[bytes]]


def bounded(attempt: Attempt) -> Attempt:
    """The attempt, which fails where it takes too long."""

    def timed(data: bytes) -> None:
        started = time.process_time()
        attempt(data)
        took = time.process_time() - started
        assert took < BOUND, f"took {took:.1f} s"

    return timed


def pure(attempt: Attempt, seeds: Callable[[], Iterable[bytes]]) -> Target:
    return Target(lambda _: nullcontext(attempt), seeds)
