"""All targets at a glance, read once for each event however many pages are open."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.config import Target
from dispatcher.http.live_config import LiveConfig
from dispatcher.ledger import Events, Glance, Overview, Pauses, Store, read_pauses


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All targets of the configuration, as of an event."""

    newest: str
    """The event's id."""
    targets: Mapping[str, Target]
    glances: tuple[Glance, ...]
    pauses: Pauses
    """Only that of everything."""


class Snapshots:
    """Raises LedgerUnavailable."""

    def __init__(self, live: LiveConfig, store: Store) -> None:
        self._live, self._store = live, store
        self._events, self._overview = Events(store), Overview(store)
        self._lock = threading.Lock()
        self._last: dict[bool, Snapshot] = {}

    def take(self, *, everything: bool = False) -> Snapshot:
        """As of now. With `everything`, each target has its newest deploy that is over."""
        with self._lock:
            newest, targets = self._events.newest(), self._live.now.targets
            last = self._last.get(everything)
            if last and last.newest == newest and last.targets is targets:
                return last
            taken = Snapshot(
                newest=newest,
                targets=targets,
                glances=tuple(self._overview.glances(list(targets), everything=everything)),
                pauses=read_pauses(self._store, []),
            )
            self._last[everything] = taken
            return taken
