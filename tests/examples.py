"""How many examples Hypothesis draws: as many as a test says; in a long run many times as many."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

USUAL = 100
"""Of a test that says nothing."""


def examples(count: int, **more: Any) -> settings:
    """What stands above a test: so many examples, or `--more-examples` times as many."""
    return settings(max_examples=count * settings().max_examples // USUAL, **more)
