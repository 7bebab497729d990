"""What is kept of a delivery for a while, on its way into the ledger: who sent what, and what came of it.

Pure, up to the script's call. Only headers that a provider's parser reads are in it, and no secret.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from dispatcher.ledger.keys import Keys
from dispatcher.ledger.scripts import Call

LEVEL = 1
"""Of zlib: payloads are JSON, of which more effort hardly makes less."""
MOST_UNLINKED = 200
"""Entries whose hashes go with one call: more than one call can forget, so that they never add up."""
SHARE = 8
"""A body whose compressed form takes more than this part of all room is not kept: it would be alone soon."""


class Updated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ref that a delivery tells of."""

    ref: str
    before: str = ""
    after: str


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One push for one target."""

    target: str
    ref: str
    commit: str
    decided: bool = False
    """Filtered before the ledger was asked. What the ledger answers stands beside the entry."""
    reason: str = ""
    """Why the target does not want it, "" if it does."""
    unsure: str = ""
    """Why that is not known."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A verified delivery. Stored as JSON in the ledger."""

    id: str
    """Our own, unlike the host's, which comes again with a redelivery."""
    hook: str
    provider: str
    event: str = ""
    delivery: str = ""
    """The id that its deploys carry: the host's, or one that was made up."""
    repository: str = ""
    refs: tuple[Updated, ...] = ()
    steps: tuple[Step, ...] = ()
    reason: str = ""
    """Why there are no steps."""
    refused: str = ""
    """The code with which it was refused although it was proved; "" if it was taken."""
    secret: str = ""
    """Where the secret comes from that proved it."""
    headers: tuple[tuple[str, str], ...] = ()
    body_bytes: int = 0
    """As it was sent."""
    whole: bool = True
    """Its body is kept, so that it can be replayed."""
    replay_of: str = ""
    """The entry that it replays."""
    first_at: int = 0
    """When the delivery came that was replayed first, in milliseconds."""
    by: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much is kept."""

    keep: int
    """Entries; 0 for none."""
    keep_for: int
    """Seconds."""
    max_bytes: int
    """Of all entries together, compressed."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """An entry with its body."""

    entry: Entry
    bounds: Bounds
    body: bytes = field(default=b"", repr=False)
    """Compressed."""

    @classmethod
    def of(cls, entry: Entry, body: bytes, bounds: Bounds) -> Record:
        """With the body if there is room for it, and the entry doesn't say otherwise."""
        packed = zlib.compress(body, LEVEL) if bounds.keep and entry.whole else b""
        whole = entry.whole and len(packed) * SHARE <= bounds.max_bytes
        entry = msgspec.structs.replace(entry, body_bytes=len(body), whole=whole)
        return cls(entry=entry, bounds=bounds, body=packed if whole else b"")

    def call(self, keys: Keys, forgotten: Iterable[str] = ()) -> Call:
        """`forgotten` are entries whose hashes are deleted on the way."""
        entry, bounds = self.entry, self.bounds
        return Call(
            "keep",
            (
                keys.trail(entry.id),
                keys.trail_order,
                keys.trail_sizes,
                keys.used,
                *map(keys.trail, forgotten),
            ),
            (
                entry.id,
                msgspec.json.encode(entry),
                self.body,
                f"{entry.hook} {entry.secret}" if entry.secret else "",
                bounds.keep,
                bounds.keep_for,
                bounds.max_bytes,
            ),
        )


class Shelf:
    """Remembers which entries made room, so that their hashes go with the round trips of later deliveries."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._forgotten: list[str] = []
        self._sent: list[tuple[str, ...]] = []

    def calls(self, records: Sequence[Record]) -> list[Call]:
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
