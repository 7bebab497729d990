"""Writes what all relays have into the ledger: what came since the last round trip goes with the next."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from dispatcher.domain.errors import LeadershipLost, LedgerUnavailable
from dispatcher.ledger import RelayedLogs
from workers.logs.outlet import Outlet

GATHER_SECONDS = 0.05
"""How long lines are gathered before they are written: each write is a round trip."""
RETRY_SECONDS = 1.0

log = structlog.get_logger()


class LogWriter:
    """One thread. `outlets` are those that are open; it is called while the condition is held."""

    def __init__(
        self,
        logs: RelayedLogs,
        condition: threading.Condition,
        outlets: Callable[[], list[Outlet]],
    ) -> None:
        self._logs, self._condition, self._outlets = logs, condition, outlets
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        with self._condition:
            self._condition.notify_all()

    def _run(self) -> None:
        while not self._stopped.is_set():
            ready = self._wait()
            self._stopped.wait(GATHER_SECONDS)
            try:
                self._write(ready)
            except LedgerUnavailable as away:
                log.warning("relayed logs wait for Redis", why=str(away))
                self._stopped.wait(RETRY_SECONDS)
            except LeadershipLost:  # whoever leads now relays them
                self._stopped.set()

    def _wait(self) -> list[Outlet]:
        """The outlets that have something to write, once there is one."""
        with self._condition:
            while not self._stopped.is_set() and not self._ready():
                # A reader that says nothing is not waited for: it does not tell when that is.
                held = any(outlet.is_held for outlet in self._outlets())
                self._condition.wait(1.0 if held else None)
            return self._ready()

    def _ready(self) -> list[Outlet]:
        return [outlet for outlet in self._outlets() if outlet.is_ready()]

    def _write(self, outlets: list[Outlet]) -> None:
        if not outlets or self._stopped.is_set():
            return
        with self._condition:
            parts = [(outlet.name, outlet.next()) for outlet in outlets]
        sizes = self._logs.append(parts)
        with self._condition:
            for outlet, size in zip(outlets, sizes, strict=True):
                outlet.wrote(size)
            self._condition.notify_all()
