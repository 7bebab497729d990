"""Records heartbeats of this process in the ledger, at a bounded rate.

A process's main loop calls `beat` in each turn: so a main loop that hangs is noticed. Where Redis is away the
heartbeat is left out; whoever needs Redis logs that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from dispatcher import __version__
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.process import LoadedConfiguration, ProcessKind, ProcessRecord
from dispatcher.ledger import Processes
from dispatcher.runtime import identity

EVERY = 10.0
"""Seconds between two heartbeats; also after one that failed."""


def _none() -> None:
    return None


class Heartbeats:
    """Those of one process."""

    def __init__(
        self,
        processes: Processes,
        kind: ProcessKind,
        configuration: Callable[[], LoadedConfiguration | None] = _none,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processes, self._kind = processes, kind
        self._configuration, self._clock = configuration, clock
        self._started = clock()
        self._due = self._started
        self._state = ""

    def beat(self, state: str = "") -> None:
        """Records a heartbeat if one is due, or if the state is another than before."""
        if self._clock() < self._due and state == self._state:
            return
        self._due, self._state = self._clock() + EVERY, state
        with suppress(LedgerUnavailable):
            self._processes.beat(self._process())

    def end(self) -> None:
        """The last heartbeat, of a process that was told to stop."""
        with suppress(LedgerUnavailable):
            self._processes.beat(self._process(ended=True))

    def _process(self, *, ended: bool = False) -> ProcessRecord:
        return ProcessRecord(
            name=identity.name(),
            kind=self._kind,
            host=identity.host(),
            pid=identity.pid(),
            version=__version__,
            up_for=int((self._clock() - self._started) * 1000),
            state=self._state,
            ended=ended,
            configuration=self._configuration(),
        )
