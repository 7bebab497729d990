"""How many examples are tried: as many as a test says; in a long run many times as many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from hypothesis import settings

T = TypeVar("T")

USUAL = 100
"""Of a test that says nothing."""


def more_examples() -> int:
    """How many times as many as usual: what `--more-examples` says."""
    return settings().max_examples // USUAL


def examples(count: int, **more: Any) -> settings:
    """What stands above a test: Hypothesis draws so many examples, in a long run more."""
    return settings(max_examples=count * more_examples(), **more)


def one_in(step: int, cases: Iterable[T], start: int = 0) -> Iterator[T]:
    """Every so many-th case, from one of the first on; in a long run all of them."""
    return islice(cases, start % step, None, step) if more_examples() == 1 else iter(cases)
