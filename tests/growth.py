"""How much more work a larger input makes: the one place where tests compare times, with each other only.

Processor time is compared, not the clock of the wall, and with that of a smaller input in the same run: a slow
or busy machine is slow for both.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

ROUNDS = 5
"""The least of so many counts: what else the machine did meanwhile only adds."""
LEAST = 0.002
"""Seconds of processor time below which a measurement says nothing: the small input is worked on repeatedly."""
SLACK = 4.0
"""So many times the work that linear growth would make is still taken for linear."""


def grows_linearly(work: Callable[[int], object], small: int, factor: int = 16) -> bool:
    """Whether `work(factor * small)` takes no more than SLACK * factor times as long as `work(small)`.

    `work` takes the size. With quadratic growth the ratio is factor², with linear growth it is factor: the
    bound lies between the two, a good way from both.
    """
    rounds = _rounds(work, small)
    gc.collect()
    few = min(_seconds(work, small, rounds) for _ in range(ROUNDS)) / rounds
    bound = few * factor * SLACK
    return any(_seconds(work, small * factor, 1) <= bound for _ in range(ROUNDS))


def _rounds(work: Callable[[int], object], size: int) -> int:
    rounds = 1
    while _seconds(work, size, rounds) < LEAST and rounds < 1_000_000:
        rounds *= 2
    return rounds


def _seconds(work: Callable[[int], object], size: int, rounds: int) -> float:
    began = time.process_time()
    for _ in range(rounds):
        work(size)
    return time.process_time() - began
