"""The delivery log as it is read: newest first, one by its id, a body to replay. Reads only."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from redis.client import NEVER_DECODE

from dispatcher.domain.delivery import Candidate, Delivery
from dispatcher.domain.errors import LedgerCorrupt
from dispatcher.domain.outcome import Result
from dispatcher.ledger.connection import texts
from dispatcher.ledger.snapshot import decode
from dispatcher.ledger.store import Store
from dispatcher.ledger.submission import Reply


@dataclass(frozen=True)
class LoggedDelivery:
    """A delivery of the log."""

    delivery: Delivery
    """Without its body."""
    at: int
    """When it came, in milliseconds."""
    results: tuple[Result | None, ...]
    """One for each of its candidates; None where the ledger's answer is not known."""


class DeliveryLog:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def newest(self, limit: int, skip: int = 0) -> list[LoggedDelivery]:
        """So many, behind so many that are newer."""
        return self._read(self._ids(limit, skip))

    def find(self, name: str) -> LoggedDelivery | None:
        """By its own id, or by the host's: then the newest that has it."""
        found = self._read([name]) or self._read(self._named(name))
        return found[0] if found else None

    def body(self, id: str) -> bytes | None:
        """As it was sent; None where it is not stored."""
        with self._store.redis() as client:
            # Bytes also from a client that decodes.
            packed = client.execute_command(  # type: ignore[no-untyped-call]
                "HGET", self._keys.logged_delivery(id), "body", **{NEVER_DECODE: []}
            )
        try:
            return zlib.decompress(packed) if packed else None
        except zlib.error:
            raise LedgerCorrupt(f"the body of delivery {id} cannot be unpacked") from None

    def _ids(self, limit: int, skip: int = 0) -> list[str]:
        """All for a limit of 0."""
        last = skip + limit - 1 if limit else -1
        with self._store.redis() as client:
            return texts(client.zrevrange(self._keys.delivery_log_order, skip, last))

    def _named(self, delivery: str) -> list[str]:
        logged = (each for each, _ in self._deliveries(self._ids(0)))
        return [each.id for each in logged if each.delivery_id == delivery][:1]

    def _read(self, ids: Sequence[str]) -> list[LoggedDelivery]:
        found = self._deliveries(ids)
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for delivery, _ in found:
                fields = [str(number) for number, _ in enumerate(delivery.candidates)]
                pipeline.hmget(self._keys.logged_delivery(delivery.id), fields or ["0"])
            replies = pipeline.execute()
        return [
            LoggedDelivery(delivery, at, tuple(map(_result, delivery.candidates, raw)))
            for (delivery, at), raw in zip(found, replies, strict=True)
        ]

    def _deliveries(self, ids: Sequence[str]) -> list[tuple[Delivery, int]]:
        """Those that are still there, with the time when they came."""
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for each in ids:
                pipeline.hmget(self._keys.logged_delivery(each), "entry", "at")
            found = pipeline.execute()
        return [(decode(raw, Delivery), int(at)) for raw, at in found if raw]


def _result(candidate: Candidate, raw: str | None) -> Result | None:
    if candidate.decided:
        return candidate.filtered()
    if not raw:
        return None
    target, ref, commit = candidate.target, candidate.ref, candidate.commit
    return Reply.of(raw).result(target, ref, commit, candidate.reason).although(candidate.unsure)
