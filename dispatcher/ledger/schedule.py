"""Wakes targets: those that are due, and those of which something has changed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dispatcher.ledger.connection import texts
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.store import Store
from dispatcher.ledger.wakeups import WakeUp


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `wake.lua`; its header documents each."""

    target: str
    grace: int
    longest_wait: int
    due_by: int


class Schedule:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def due(self, now: int, most: int = 500) -> list[WakeUp]:
        """Wakes every target that is due at `now`, by Redis' clock; returns the wake-ups to enqueue."""
        with self._store.redis() as client:
            found = client.zrange(self._keys.due, "-inf", now, byscore=True, offset=0, num=most)
        return self._wake(texts(found), "it is due", now)

    def wake(self, targets: Sequence[str], why: str) -> list[WakeUp]:
        """Wakes targets, whatever became of earlier wake-ups. A worker that holds one reads it again. Only for
        targets that were due does `found` of a wake-up mean anything."""
        return self._wake(targets, why, 0)

    def wake_open(self, why: str) -> list[WakeUp]:
        """Wakes every published target that has an open deploy."""
        with self._store.redis() as client:
            names = texts(client.hkeys(self._keys.specs))
        return self.wake(self.with_open_deploys(names), why)

    def _wake(self, targets: Sequence[str], why: str, due_by: int) -> list[WakeUp]:
        calls = [self._call(target, due_by) for target in targets]
        replies = self._store.scripts.run_many(calls) if calls else []
        return [
            WakeUp(target, number, why, found)
            for target, (number, found) in zip(targets, replies, strict=True)
            if number
        ]

    def _call(self, target: str, due_by: int) -> Call:
        timeouts = self._store.timeouts
        arguments = Arguments(
            target=target,
            grace=timeouts.wake_up,
            longest_wait=timeouts.longest_wake_up,
            due_by=due_by,
        )
        return Call("wake", (self._keys.row(target), self._keys.due), (arguments,))

    def woken(self, targets: Sequence[str]) -> dict[str, int]:
        """Those of the targets whose wake-up no worker has taken yet, and since when it waits (ms)."""
        rows = map(self._keys.row, targets)
        found = self._store.each(rows, lambda ask, row: ask.hget(row, "woken"))
        return {name: int(woken) for name, woken in zip(targets, found, strict=True) if woken}

    def with_open_deploys(self, targets: Sequence[str]) -> list[str]:
        """Those of the targets that have an open deploy."""
        found = self._store.each(map(self._keys.open, targets), lambda ask, key: ask.exists(key))
        return [name for name, there in zip(targets, found, strict=True) if there]
