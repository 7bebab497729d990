"""What would fill the log if it were said each time: said once, then now and then with a count."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

EVERY = 60.0
"""Seconds between two lines about the same."""
KINDS = 1000
"""That are told apart; the one that was said longest ago is forgotten first."""


@dataclass
class _Said:
    at: float
    since: int = 0


class Seldom:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[tuple[str, ...], _Said] = {}

    def count(self, *kind: str) -> int:
        """How often it has been since it was said last, with this time; 0 where it is not to be said now."""
        now, said = self._clock(), self._said.get(kind)
        if said is not None and now - said.at < EVERY:
            said.since += 1
            return 0
        self._said.pop(kind, None)
        self._said[kind] = _Said(now)
        if len(self._said) > KINDS:
            del self._said[next(iter(self._said))]
        return 1 + (said.since if said else 0)
