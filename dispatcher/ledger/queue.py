"""Reads which targets have a deploy that waits, and what the ledger knows of why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dispatcher.domain.waiting import QueuedTarget
from dispatcher.ledger.connection import texts
from dispatcher.ledger.pauses import read_pauses
from dispatcher.ledger.reader import Reader, TargetView
from dispatcher.ledger.schedule import Schedule
from dispatcher.ledger.store import Store

MOST = 50
"""Waiting deploys of a target that are read: those that come next. The others are only counted."""


class Queue:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys
        self._reader, self._schedule = Reader(store), Schedule(store)

    def targets(self, visible: Callable[[str], bool]) -> list[QueuedTarget]:
        """Those of the visible targets that have a waiting deploy. Seven round trips, and what they read grows
        with what is open, not with the history."""
        with self._store.redis() as client:  # whatever is open has a due time
            due = texts(client.zrange(self._keys.due, 0, -1))
        names = self._schedule.with_open_deploys([name for name in due if visible(name)])
        return self._queued([v for v in self._reader.targets(names, MOST) if v.waiting])

    def _queued(self, views: Sequence[TargetView]) -> list[QueuedTarget]:
        names = [view.name for view in views]
        pauses, woken = read_pauses(self._store, names), set(self._schedule.woken(names))
        ranks = self._store.each(names, lambda ask, name: ask.zrank(self._keys.waiting, name))
        now = self._store.now()
        return [
            QueuedTarget(
                name=view.name,
                now=now,
                active=view.active,
                waiting=view.waiting,
                waiting_count=view.waiting_count,
                paused=pauses.of(view.name),
                trouble=view.trouble.text if view.trouble else "",
                woken=view.name in woken,
                slot_position=0 if rank is None else rank + 1,
            )
            for view, rank in zip(views, ranks, strict=True)
        ]
