"""The trail of deliveries as it is read: newest first, one by its name, a body to replay. Reads only."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redis.client import NEVER_DECODE

from dispatcher.domain.errors import LedgerCorrupt
from dispatcher.domain.model import Outcome, Result
from dispatcher.ledger.connection import texts
from dispatcher.ledger.delivery_record import Entry, Step
from dispatcher.ledger.snapshot import decode
from dispatcher.ledger.store import Store
from dispatcher.ledger.submission import told


@dataclass(frozen=True)
class Kept:
    """A delivery of the trail."""

    entry: Entry
    at: int
    """When it came, in milliseconds."""
    results: tuple[Result | None, ...]
    """One for each of its steps; None where the ledger's answer is not known."""


class Deliveries:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def newest(self, limit: int, skip: int = 0) -> list[Kept]:
        """So many, behind so many that are newer."""
        return self._read(self._ids(limit, skip))

    def find(self, name: str) -> Kept | None:
        """By its own id, or by the host's: then the newest that has it."""
        found = self._read([name]) or self._read(self._named(name))
        return found[0] if found else None

    def body(self, entry: str) -> bytes | None:
        """As it was sent; None where it is not kept."""
        with self._store.redis() as client:
            # Bytes also from a client that decodes.
            packed = client.execute_command(  # type: ignore[no-untyped-call]
                "HGET", self._keys.trail(entry), "body", **{NEVER_DECODE: []}
            )
        try:
            return zlib.decompress(packed) if packed else None
        except zlib.error:
            raise LedgerCorrupt(f"the body of delivery {entry} cannot be unpacked") from None

    def _ids(self, limit: int, skip: int = 0) -> list[str]:
        """All for a limit of 0."""
        last = skip + limit - 1 if limit else -1
        with self._store.redis() as client:
            return texts(client.zrevrange(self._keys.trail_order, skip, last))

    def _named(self, delivery: str) -> list[str]:
        entries = (entry for entry, _ in self._entries(self._ids(0)))
        return [entry.id for entry in entries if entry.delivery == delivery][:1]

    def _read(self, ids: Sequence[str]) -> list[Kept]:
        found = self._entries(ids)
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for entry, _ in found:
                fields = [str(number) for number, _ in enumerate(entry.steps)]
                pipeline.hmget(self._keys.trail(entry.id), fields or ["0"])
            answers = pipeline.execute()
        return [
            Kept(entry, at, tuple(_results(entry.steps, raw)))
            for (entry, at), raw in zip(found, answers, strict=True)
        ]

    def _entries(self, ids: Sequence[str]) -> list[tuple[Entry, int]]:
        """Those that are still there, with the time when they came."""
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for each in ids:
                pipeline.hmget(self._keys.trail(each), "entry", "at")
            found = pipeline.execute()
        return [(decode(raw, Entry), int(at)) for raw, at in found if raw]


def _results(steps: Sequence[Step], answers: Iterable[str | None]) -> Iterable[Result | None]:
    for step, raw in zip(steps, answers, strict=False):
        if step.decided:
            yield Result(
                target=step.target,
                ref=step.ref,
                commit=step.commit,
                outcome=Outcome.FILTERED,
                reason=step.reason,
            )
        else:
            said = told(raw, step.target, step.ref, step.commit, step.reason) if raw else None
            yield said.although(step.unsure) if said else None
