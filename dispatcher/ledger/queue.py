"""Reads which targets have a deploy that waits, and what the ledger knows of why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from dispatcher.domain.deploy import State
from dispatcher.domain.waiting import QueuedTarget
from dispatcher.ledger.codec import decode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.pauses import read_pauses
from dispatcher.ledger.reader import Reader, TargetView
from dispatcher.ledger.schedule import Schedule
from dispatcher.ledger.store import Store

MOST = 50
"""Waiting deploys of a target that are read: those that come next. The others are only counted."""


class QueuedNumber(NamedTuple):
    """A deploy that waits; those that wait longer are less."""

    created_at: int
    target: str
    number: int


class _Deploy(msgspec.Struct, frozen=True):
    """What of a deploy tells where it stands in the queue."""

    number: int
    state: State
    created_at: int = 0


class Queue:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys
        self._reader, self._schedule = Reader(store), Schedule(store)

    def order(self, visible: Callable[[str], bool]) -> tuple[list[QueuedNumber], int]:
        """The waiting deploys of the visible targets, those that wait longest first, and how many wait in all.
        Three round trips, and what they read grows with what is open, not with the history."""
        with self._store.redis() as client:  # whatever is open has a due time
            due = texts(client.zrange(self._keys.due, 0, -1))
        names = [name for name in due if visible(name)]
        opens = self._store.each(map(self._keys.open, names), lambda ask, key: ask.hvals(key))
        numbers = {
            name: sorted(" ".join(each).split(), key=int)
            for name, each in zip(names, opens, strict=True)
            if each
        }
        found = self._numbered(numbers)
        unread = sum(max(0, len(each) - MOST - 1) for each in numbers.values())
        return sorted(found), len(found) + unread

    def _numbered(self, numbers: Mapping[str, Sequence[str]]) -> list[QueuedNumber]:
        """Those that wait among the first open deploys of each target, of which one may be active."""
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for name, each in numbers.items():
                pipeline.hmget(self._keys.deploys(name), each[: MOST + 1])
            replies = pipeline.execute()
        deploys = (
            (name, decode(raw, _Deploy))
            for name, found in zip(numbers, replies, strict=True)
            for raw in found
            if raw
        )
        return [
            QueuedNumber(each.created_at, name, each.number)
            for name, each in deploys
            if each.state is State.PENDING
        ]

    def targets(self, names: Sequence[str]) -> list[QueuedTarget]:
        """These targets, as far as they have a waiting deploy, with all that says what for."""
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
