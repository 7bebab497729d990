"""A delivery on its way into the delivery log: who sent what, and what came of it.

Pure, up to the script's call. Only headers that a provider's parser reads are in it, and no secret.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from dispatcher.domain.delivery import Delivery
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.scripts import Call

LEVEL = 1
"""Of zlib: payloads are JSON, of which more effort hardly makes less."""
MOST_UNLINKED = 200
"""Entries whose hashes go with one call: more than one call can forget, so that they never add up."""
SHARE = 8
"""A body whose compressed form takes more than this part of all room is not stored: it would be alone soon."""


@dataclass(frozen=True, kw_only=True)
class LogBounds:
    """How much the delivery log holds."""

    keep: int
    """Deliveries; 0 for none."""
    keep_for: int
    """Seconds."""
    max_bytes: int
    """Of all deliveries together, compressed."""


@dataclass(frozen=True, kw_only=True)
class LogRecord:
    """A delivery as it is written into the log."""

    delivery: Delivery
    """Without its body."""
    bounds: LogBounds
    body: bytes = field(default=b"", repr=False)
    """Compressed."""

    @classmethod
    def of(cls, delivery: Delivery, bounds: LogBounds) -> LogRecord:
        """With the body if there is room for it, and the delivery doesn't say otherwise."""
        packed = (
            zlib.compress(delivery.body, LEVEL) if bounds.keep and delivery.body_stored else b""
        )
        stored = delivery.body_stored and len(packed) * SHARE <= bounds.max_bytes
        size = len(delivery.body)
        written = replace(delivery, body=b"", body_bytes=size, body_stored=stored)
        return cls(delivery=written, bounds=bounds, body=packed if stored else b"")

    def call(self, keys: Keys, forgotten: Iterable[str] = ()) -> Call:
        """`forgotten` are deliveries whose hashes are deleted on the way."""
        delivery = self.delivery
        return Call(
            "keep",
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
    """What `keep.lua` takes beside the delivery and its body: its header says what each is."""

    id: str
    secret: str
    keep: int
    keep_for: int
    max_bytes: int


class LogWriter:
    """Remembers which deliveries made room, so that their hashes go with the round trips of later ones."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._forgotten: list[str] = []
        self._sent: list[tuple[str, ...]] = []

    def calls(self, records: Sequence[LogRecord]) -> list[Call]:
        """What was forgotten goes with them, and stays remembered until `done` has heard of it."""
        most = range(0, len(records) * MOST_UNLINKED, MOST_UNLINKED)
        self._sent = [tuple(self._forgotten[at : at + MOST_UNLINKED]) for at in most]
        return [each.call(self._keys, sent) for each, sent in zip(records, self._sent, strict=True)]

    def done(self, replies: Sequence[object]) -> None:
        """What each of the calls has answered, errors among it."""
        for sent, reply in zip(self._sent, replies, strict=True):
            if isinstance(reply, list):
                deleted = set(sent)
                self._forgotten = [name for name in self._forgotten if name not in deleted]
                self._forgotten += [str(name) for name in reply]
