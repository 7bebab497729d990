"""The delivery log: recent deliveries, with what became of each. One class writes it, one reads it.

Only headers that a provider's parser reads are in it, and no secret.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace
from redis.client import NEVER_DECODE

from dispatcher.domain.decision import Decision
from dispatcher.domain.delivery import Delivery
from dispatcher.domain.errors import LedgerCorrupt
from dispatcher.domain.outcome import Result
from dispatcher.ledger.codec import decode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.store import Store
from dispatcher.ledger.submission import Reply

LEVEL = 1
"""Compression level of zlib: payloads are JSON, which higher levels hardly make smaller."""
MOST_UNLINKED = 200
"""Most evicted entries whose hashes one call deletes: more than one call can evict, so that they never add
up."""
LOOKED_AT, STEP = 10_000, 200
"""Deliveries among which those of a commit are looked for, and how many are read at a time."""
SHARE = 8
"""A body is not stored if it takes more than this part (1/8) of all room, compressed: a few would fill the
log."""


@dataclass(frozen=True, kw_only=True)
class LogBounds:
    """How much the delivery log holds."""

    keep: int
    """Most deliveries; 0 for none."""
    keep_for: int
    """Seconds."""
    max_bytes: int
    """Most bytes of all deliveries together, compressed."""


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """A delivery as it is written into the log."""

    delivery: Delivery
    """Without its body."""
    bounds: LogBounds
    body: bytes = field(default=b"", repr=False)
    """Compressed."""

    @classmethod
    def of(cls, delivery: Delivery, bounds: LogBounds) -> LogEntry:
        """Includes the body if there is room for it and the delivery doesn't say otherwise."""
        packed = (
            zlib.compress(delivery.body, LEVEL) if bounds.keep and delivery.body_stored else b""
        )
        stored = delivery.body_stored and len(packed) * SHARE <= bounds.max_bytes
        size = len(delivery.body)
        written = replace(delivery, body=b"", body_bytes=size, body_stored=stored)
        return cls(delivery=written, bounds=bounds, body=packed if stored else b"")

    def call(self, keys: Keys, forgotten: Iterable[str] = ()) -> Call:
        """`forgotten` are evicted deliveries whose hashes the call deletes."""
        delivery = self.delivery
        return Call(
            "log_delivery",
            (
                keys.logged_delivery(delivery.id),
                keys.delivery_log_order,
                keys.delivery_log_sizes,
                keys.used,
                *map(keys.logged_delivery, forgotten),
            ),
            (self._arguments(), msgspec.json.encode(delivery), self.body),
        )

    def _arguments(self) -> Arguments:
        delivery, bounds = self.delivery, self.bounds
        return Arguments(
            id=delivery.id,
            secret=f"{delivery.hook} {delivery.secret}" if delivery.secret else "",
            keep=bounds.keep,
            keep_for=bounds.keep_for,
            max_bytes=bounds.max_bytes,
        )


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `log_delivery.lua` besides the delivery and its body; its header documents each."""

    id: str
    secret: str
    keep: int
    keep_for: int
    max_bytes: int


class LogWriter:
    """Remembers evicted deliveries, so that later round trips delete their hashes."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._forgotten: list[str] = []
        self._sent: list[tuple[str, ...]] = []

    def calls(self, entries: Sequence[LogEntry]) -> list[Call]:
        """One call for each entry. They delete the hashes of evicted deliveries too, which stay remembered
        until `done` gets the replies."""
        most = range(0, len(entries) * MOST_UNLINKED, MOST_UNLINKED)
        self._sent = [tuple(self._forgotten[at : at + MOST_UNLINKED]) for at in most]
        return [each.call(self._keys, sent) for each, sent in zip(entries, self._sent, strict=True)]

    def done(self, replies: Sequence[object]) -> None:
        """Takes the replies to these calls; some may be errors."""
        for sent, reply in zip(self._sent, replies, strict=True):
            if isinstance(reply, list):
                deleted = set(sent)
                self._forgotten = [name for name in self._forgotten if name not in deleted]
                self._forgotten += [str(name) for name in reply]


@dataclass(frozen=True)
class LoggedDelivery:
    """A delivery of the log."""

    delivery: Delivery
    """Without its body."""
    at: int
    """When it came, in milliseconds."""
    results: tuple[Result | None, ...]
    """One for each decision; None if the ledger did not answer."""


class DeliveryLog:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def newest(self, limit: int, skip: int = 0) -> list[LoggedDelivery]:
        """At most `limit` deliveries, after the `skip` newest."""
        return self._read(self._ids(limit, skip))

    def find(self, name: str) -> LoggedDelivery | None:
        """Finds a delivery by its id in the log, or the newest one by the host's delivery id."""
        found = self._read([name]) or self._read(self._named(name))
        return found[0] if found else None

    def of_commit(self, commit: str, most: int) -> list[LoggedDelivery]:
        """The newest deliveries, at most so many, that have a commit which begins so, among those looked at."""
        found: list[str] = []
        for skip in range(0, LOOKED_AT, STEP):
            ids = self._ids(STEP, skip)
            keys = map(self._keys.logged_delivery, ids)
            entries = self._store.each(keys, lambda ask, key: ask.hget(key, "entry"))
            # Few entries are decoded: the text of the others does not have it anywhere.
            found += [
                id for id, raw in zip(ids, entries, strict=True) if f'"{commit}' in (raw or "")
            ]
            if len(ids) < STEP or len(found) >= most:
                break
        return self._read(found[:most])

    def body(self, id: str) -> bytes | None:
        """A delivery's body as it was sent; None if it is not stored."""
        with self._store.redis() as client:
            # Asks for bytes, even of a client that decodes.
            packed = client.execute_command(  # type: ignore[no-untyped-call]
                "HGET", self._keys.logged_delivery(id), "body", **{NEVER_DECODE: []}
            )
        try:
            return zlib.decompress(packed) if packed else None
        except zlib.error:
            raise LedgerCorrupt(f"the body of delivery {id} cannot be unpacked") from None

    def _ids(self, limit: int, skip: int = 0) -> list[str]:
        """The newest ids first; all of them if the limit is 0."""
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
                fields = [str(number) for number, _ in enumerate(delivery.decisions)]
                pipeline.hmget(self._keys.logged_delivery(delivery.id), fields or ["0"])
            replies = pipeline.execute()
        return [
            LoggedDelivery(delivery, at, tuple(map(_result, delivery.decisions, raw)))
            for (delivery, at), raw in zip(found, replies, strict=True)
        ]

    def _deliveries(self, ids: Sequence[str]) -> list[tuple[Delivery, int]]:
        """Those that are still in the log, each with the time when it came (ms)."""
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for each in ids:
                pipeline.hmget(self._keys.logged_delivery(each), "entry", "at")
            found = pipeline.execute()
        return [(decode(raw, Delivery), int(at)) for raw, at in found if raw]


def _result(decision: Decision, raw: str | None) -> Result | None:
    if not decision.follows:
        return decision.result()
    return Reply.of(raw).result(decision, decision.target) if raw else None
