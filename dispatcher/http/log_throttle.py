"""Throttles repeated log lines: the first is logged, then one a minute with a count."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

EVERY = 60.0
"""Seconds between two lines of the same kind."""
KINDS = 1000
"""Most kinds that are tracked; the one logged longest ago is dropped first."""


@dataclass
class _Logged:
    at: float
    since: int = 0


class LogThrottle:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged: dict[tuple[str, ...], _Logged] = {}

    def count(self, *kind: str) -> int:
        """How often it happened since the last line, this time included; 0 if it must not be logged now."""
        now, logged = self._clock(), self._logged.get(kind)
        if logged is not None and now - logged.at < EVERY:
            logged.since += 1
            return 0
        self._logged.pop(kind, None)
        self._logged[kind] = _Logged(now)
        if len(self._logged) > KINDS:
            del self._logged[next(iter(self._logged))]
        return 1 + (logged.since if logged else 0)
