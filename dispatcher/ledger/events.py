"""What happened to deploys and targets: the stream that programs follow, and each deploy's timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from dispatcher.domain.event import Event, EventKind
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.store import Command, Store

BEGINNING = "0-0"
"""Id before that of any event."""


@dataclass(frozen=True, kw_only=True)
class StreamedEvent:
    """An event with its place in the stream."""

    id: str
    """`milliseconds-sequence`: https://redis.io/docs/latest/develop/data-types/streams/#entry-ids"""
    target: str
    """"" for an event of all targets."""
    number: int
    """The deploy's; 0 for an event of the target."""
    ref: str
    commit: str
    event: Event


class Events:
    """Reads events. Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def after(self, id: str, most: int, block: int = 0) -> list[StreamedEvent]:
        """The events behind that id, oldest first, at most so many. If there are none, waits up to `block`
        milliseconds for one; the client's time-out must be longer."""
        with self._store.redis() as client:
            reply: Any = client.xread({self._keys.events: id}, count=most, block=block or None)
        return [streamed(id, fields) for id, fields in entries_of(reply).get(self._keys.events, [])]

    def before(self, id: str, most: int) -> list[StreamedEvent]:
        """The events in front of that id, newest first; "" is behind the newest."""
        end = f"({id}" if id else "+"
        with self._store.redis() as client:
            found: Any = client.xrevrange(self._keys.events, max=end, count=most)
        return [streamed(id, fields) for id, fields in found]

    def oldest(self) -> str:
        """Id of the oldest event that is kept; "" if there is none."""
        with self._store.redis() as client:
            found: Any = client.xrange(self._keys.events, count=1)
        return str(found[0][0]) if found else ""

    def newest(self) -> str:
        """Id of the newest event; BEGINNING if there is none."""
        found = self.before("", 1)
        return found[0].id if found else BEGINNING

    def timeline(self, target: str, number: int) -> list[Event]:
        """What happened to one deploy, oldest first; a long timeline lacks some in its middle."""
        with self._store.redis() as client:
            raw = client.hget(self._keys.timelines(target), str(number))
        return read_timeline(texts([raw])[0] if raw else None)

    def add(self, target: str, event: Event) -> None:
        """Adds an event of a target, or with "" of all targets, to the stream."""
        self._store.write(entry(self._store, target, event))

    def counts(self) -> dict[tuple[str, str], int]:
        """How often what happened, by target and what: see `Keys.counts`."""
        found = self._store.fields(self._keys.counts)
        split = ((field.partition(" "), count) for field, count in found.items())
        return {(target, what): int(count) for (target, _, what), count in split}


def counted(target: str) -> list[str]:
    """The fields that `Keys.counts` can have of a target."""
    ends = [f"{state} {cause}" for state in State for cause in CauseKind]
    return [f"{target} {what}" for what in (*EventKind, *State, *ends)]


def entry(store: Store, target: str, event: Event) -> Command:
    """The command that adds an event of a target, or with "" of all targets, to the stream."""
    fields = ("target", target, "number", 0, "ref", "", "commit", "", "event", encode(event))
    return ("XADD", store.keys.events, "MAXLEN", "~", store.retention.happened.events, "*", *fields)


def read_timeline(lines: str | None) -> list[Event]:
    """A timeline as the ledger keeps it: an event a line."""
    return [decode(line, Event) for line in (lines or "").splitlines()]


def entries_of(reply: Any) -> dict[str, list[tuple[str, Mapping[str, str]]]]:
    """By stream, the entries of a reply to XREAD, in RESP2 or RESP3; none for a wait without an event."""
    pairs = reply.items() if isinstance(reply, dict) else reply or []
    return {
        name: entries[0] if isinstance(reply, dict) and entries else entries
        for name, entries in pairs
    }


def streamed(id: str, fields: Mapping[str, str]) -> StreamedEvent:
    """Raises LedgerCorrupt."""
    return StreamedEvent(
        id=id,
        target=fields["target"],
        number=int(fields["number"]),
        ref=fields["ref"],
        commit=fields["commit"],
        event=decode(fields["event"], Event),
    )
