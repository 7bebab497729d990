"""Web's own heartbeats, and what it logs about the other processes: once when workers are missing, or a
configuration is refused or differs, and once when that is over."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from anyio import CapacityLimiter, to_thread

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.process import LATE_AFTER, configuration_health, workers_health
from dispatcher.heartbeats import EVERY, Heartbeats
from dispatcher.ledger import Processes

LOOK_EVERY = 1.0
"""Seconds between two rounds, of which most only look whether a heartbeat is due."""

log = structlog.get_logger()


class RollCall:
    """Of one web process. Its round handles an absent Redis, which others log."""

    def __init__(
        self,
        processes: Processes,
        heartbeats: Heartbeats,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processes, self._heartbeats, self._clock = processes, heartbeats, clock
        self._thread = CapacityLimiter(1)  # of its own: those of the API may all wait for Redis
        self._due = clock()
        # When an installation starts, its other processes have as long to come as one has before it is late.
        self._logs_from = clock() + LATE_AFTER / 1000
        self._last = {"workers": "ok", "configuration": "ok"}
        """The first word of each health that was logged last."""

    async def look(self) -> None:
        if self._clock() >= self._due:
            self._due = self._clock() + EVERY
            await to_thread.run_sync(self.call, limiter=self._thread)

    def call(self) -> None:
        """Records a heartbeat, and logs what has changed."""
        self._heartbeats.beat()
        if self._clock() < self._logs_from:
            return
        try:
            roll = self._processes.roll()
        except LedgerUnavailable:
            return
        self._log("workers", workers_health(roll))
        self._log("configuration", configuration_health(roll))

    async def end(self) -> None:
        await to_thread.run_sync(self._heartbeats.end)

    def _log(self, what: str, health: str) -> None:
        word = health.partition(":")[0]
        if word != self._last[what]:
            level = log.info if word == "ok" else log.warning
            level(f"{what}: {health}")
        self._last[what] = word
