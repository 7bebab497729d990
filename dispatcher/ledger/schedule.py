"""Wakes targets: those that are due, and those of which something has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.refs import short_ref
from dispatcher.domain.repairs import Kind
from dispatcher.ledger.codec import decode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.store import Store
from dispatcher.ledger.wakeups import WakeUp

ALL = 10**15
"""More than the number of any wake-up."""


DUE = {
    "": "it is due",
    Kind.UNTAKEN_WAKE_UP: "no worker took its last wake-up",
    Kind.EXPIRED_LEASE: "its worker died, or hung",
}
"""By what was wrong with a target that is due: why it is woken."""


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
        woken = self._wake(texts(found), DUE[""], now)
        stories = self._stories([wake_up.target for wake_up in woken])
        return [
            replace(wake_up, why=f"{DUE[wake_up.found]}; {story}")
            for wake_up, story in zip(woken, stories, strict=True)
        ]

    def _stories(self, targets: Sequence[str]) -> list[str]:
        """For people who look at RQ's queue: the deploy that each target is at. Two round trips."""
        opened = self._store.each(map(self._keys.open, targets), lambda ask, key: ask.hvals(key))
        numbers = [min(map(int, " ".join(found).split()), default=0) for found in opened]
        wanted = dict(zip(map(self._keys.deploys, targets), numbers, strict=True))
        raws = self._store.each(wanted, lambda ask, key: ask.hget(key, str(wanted[key])))
        return [_story(decode(raw, Deploy)) if raw else "no deploy is open" for raw in raws]

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

    def settled(self, targets: Sequence[str]) -> dict[str, int]:
        """By target the number up to which all of its wake-ups have done their work: a worker has reconciled it
        since, to the end. 0 for none, and all where the target is forgotten."""
        rows = map(self._keys.row, targets)
        found = self._store.each(rows, lambda ask, row: ask.hmget(row, "wakes", "woken", "lease"))
        return {
            name: 0 if woken or lease else int(wakes or ALL)
            for name, (wakes, woken, lease) in zip(targets, found, strict=True)
        }

    def with_open_deploys(self, targets: Sequence[str]) -> list[str]:
        """Those of the targets that have an open deploy."""
        found = self._store.each(map(self._keys.open, targets), lambda ask, key: ask.exists(key))
        return [name for name, there in zip(targets, found, strict=True) if there]


def _story(deploy: Deploy) -> str:
    what = f"{deploy.commit[:8]} of {short_ref(deploy.ref)}"
    return f"deploy {deploy.number} is {deploy.state}, {deploy.reason} {what}"
