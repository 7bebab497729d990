"""Which processes there are: each records a heartbeat now and then, and readers see who is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dispatcher.domain.process import Heartbeat, ProcessRecord, Roll
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.store import Store

REPEAT_FOR = 30_000
"""Milliseconds after which `report_untaken` counts no more, unless the leader repeats it."""


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `heartbeat.lua`; its header documents each."""

    name: str
    process: str
    keep_for: int
    most: int


class Processes:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def beat(self, process: ProcessRecord) -> None:
        """Records a heartbeat, in one round trip."""
        retention = self._store.retention
        arguments = Arguments(
            name=process.name,
            process=encode(process),
            keep_for=retention.processes,
            most=retention.most_processes,
        )
        keys = self._keys.processes, self._keys.heartbeats
        self._store.scripts.run("heartbeat", keys, (arguments,))

    def report_untaken(self, since: int) -> None:
        """The leading watcher says since when the oldest untaken wake-up has waited; it repeats that."""
        self._store.write(("SET", self._keys.untaken, since, "PX", REPEAT_FOR))

    def resolve_untaken(self) -> None:
        """Workers take wake-ups again."""
        self._store.write(("DEL", self._keys.untaken))

    def roll(self) -> Roll:
        """Every process that was there lately, the newest heartbeat first. One round trip."""
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.hgetall(self._keys.processes)
            pipeline.zrange(self._keys.heartbeats, 0, -1, desc=True, withscores=True)
            pipeline.get(self._keys.untaken)
            pipeline.time()
            found: list[Any] = pipeline.execute()
        processes, heartbeats, untaken, (seconds, micros) = found
        return Roll(
            now=int(seconds) * 1000 + int(micros) // 1000,
            heartbeats=_without_predecessors(
                Heartbeat(process=decode(processes[name], ProcessRecord), at=int(at))
                for name, at in heartbeats
                if name in processes
            ),
            untaken_since=int(untaken or 0),
        )


def _without_predecessors(newest_first: Iterable[Heartbeat]) -> tuple[Heartbeat, ...]:
    """A container that was started again has host and process id of the one that was killed: only the newest
    process of these is there."""
    found: dict[tuple[str, str, int], Heartbeat] = {}
    for each in newest_first:
        process = each.process
        found.setdefault((process.kind, process.host, process.pid), each)
    return tuple(found.values())
