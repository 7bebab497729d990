"""What receivers of notifications were sent: how far each is, what was given up, and what people want sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from dispatcher.domain.errors import LedgerCorrupt
from dispatcher.domain.notification import DeadLetter, Message, ReceiverState
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.events import BEGINNING, Events, StreamedEvent, entries_of, streamed
from dispatcher.ledger.store import Command, Store

log = structlog.get_logger()


@dataclass(frozen=True)
class Request:
    """A message that a person wants sent now: a test, or a dead letter."""

    entry: str
    """Where it stands among the receiver's requests."""
    id: str
    """The caller's: the receiver's state names it once the message was sent."""
    message: Message


@dataclass(frozen=True)
class Mail:
    """What there is for a receiver."""

    events: tuple[StreamedEvent, ...] = ()
    """Oldest first."""
    last: str = ""
    """Id of the last event that was read, also if it could not be understood; "" for none."""
    requests: tuple[Request, ...] = ()


class Notifications:
    """Raises LedgerUnavailable and, behind a fence, LeadershipLost."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys
        self._events = Events(store)

    def states(self) -> dict[str, ReceiverState]:
        """By receiver."""
        found = self._store.fields(self._keys.receivers)
        states = ((name, _state(raw)) for name, raw in found.items())
        return {name: state for name, state in states if state}

    def state(self, receiver: str) -> ReceiverState:
        """A receiver that is new is sent what happens from now on."""
        with self._store.redis() as client:
            raw = client.hget(self._keys.receivers, receiver)
        known = _state(texts([raw])[0]) if raw else None
        if known is None:
            known = ReceiverState(cursor=self._events.newest())
            self.save(receiver, known)
        return known

    def save(
        self,
        receiver: str,
        state: ReceiverState,
        *,
        given_up: DeadLetter | None = None,
        done: str = "",
    ) -> None:
        """Stores how far the receiver is, all at once with a message that was given up and the entry of a
        request that is `done`."""
        commands: list[Command] = [("HSET", self._keys.receivers, receiver, encode(state))]
        if given_up:
            commands.append(self._dead(given_up))
        if done:
            commands.append(("XDEL", self._keys.requested(receiver), done))
        self._store.write(*commands)

    def forget(self, receivers: Iterable[str]) -> None:
        """How far they were: one of the same name begins anew. What was given up stays."""
        commands: list[Command] = []
        for name in receivers:
            commands.append(("HDEL", self._keys.receivers, name))
            commands.append(("DEL", self._keys.requested(name)))
        self._store.write(*commands)

    def wait(self, receiver: str, cursor: str, most: int, block: int) -> Mail:
        """Events behind the cursor, at most so many, and all requests. Waits up to `block` milliseconds for the
        first, 0 for not at all; the client's time-out must be longer. With "" as cursor only for requests."""
        requested = self._keys.requested(receiver)
        asked: Any = {requested: BEGINNING} | ({self._keys.events: cursor} if cursor else {})
        with self._store.redis() as client:
            reply = client.xread(asked, count=most, block=block or None)
        found = entries_of(reply)
        entries = found.get(self._keys.events, [])
        requests = tuple(self._requests(receiver, found.get(requested, [])))
        return Mail(tuple(_readable(entries)), entries[-1][0] if entries else "", requests)

    def gap(self, cursor: str) -> str:
        """Id of the first event that is left, if events behind the cursor were dropped; else ""."""
        oldest = self._events.oldest()
        if _position(oldest) <= _position(cursor):
            return ""
        return oldest if cursor != BEGINNING or self._has_dropped() else ""

    def _has_dropped(self) -> bool:
        with self._store.redis() as client:
            info: Any = client.xinfo_stream(self._keys.events)
        # Redis before 7 does not say how many there were.
        return int(info.get("entries-added", 0)) > int(info["length"])

    def waits_since(self, cursor: str) -> int:
        """When the oldest event behind the cursor happened (ms); 0 if there is none."""
        with self._store.redis() as client:
            found: Any = client.xrange(self._keys.events, min=f"({cursor}", count=1)
        return happened_at(found[0][0]) if found else 0

    def request(self, receiver: str, message: Message, id: str) -> None:
        """Has the leading watcher send it now."""
        self._store.write(self._requested(receiver, message, id))

    def dead_letters(self, before: str, most: int) -> list[tuple[str, DeadLetter]]:
        """In front of that id, newest first, each with its id; "" is behind the newest."""
        with self._store.redis() as client:
            found: Any = client.xrevrange(
                self._keys.dead_letters, max=f"({before}" if before else "+", count=most
            )
        return [(id, decode(fields["d"], DeadLetter)) for id, fields in found]

    def dead_letter(self, id: str) -> DeadLetter | None:
        with self._store.redis() as client:
            found: Any = client.xrange(self._keys.dead_letters, min=id, max=id)
        return decode(found[0][1]["d"], DeadLetter) if found else None

    def resend(self, letter: str, found: DeadLetter, id: str) -> None:
        """Has the dead letter with that id sent again now: it is none any more."""
        request = self._requested(found.receiver, found.message, id)
        self._store.write(request, ("XDEL", self._keys.dead_letters, letter))

    def _requests(
        self, receiver: str, entries: Iterable[tuple[str, Mapping[str, str]]]
    ) -> Iterator[Request]:
        for entry, fields in entries:
            try:
                message = decode(fields["m"], Message)
            except LedgerCorrupt as error:
                log.error("request to send cannot be read: dropped", id=entry, why=str(error))
                self._store.write(("XDEL", self._keys.requested(receiver), entry))
            else:
                yield Request(entry, fields.get("id", ""), message)

    def _dead(self, letter: DeadLetter) -> Command:
        keep = self._store.retention.dead_letters
        return ("XADD", self._keys.dead_letters, "MAXLEN", "~", keep, "*", "d", encode(letter))

    def _requested(self, receiver: str, message: Message, id: str) -> Command:
        keep, key = self._store.retention.requested, self._keys.requested(receiver)
        return ("XADD", key, "MAXLEN", "~", keep, "*", "id", id, "m", encode(message))


def _state(raw: str) -> ReceiverState | None:
    try:
        return decode(raw, ReceiverState)
    except LedgerCorrupt as error:
        log.error("how far a receiver is cannot be read: it begins anew", why=str(error))
        return None


def _readable(entries: Iterable[tuple[str, Mapping[str, str]]]) -> Iterator[StreamedEvent]:
    """Without those that another version wrote: they must not hold up what comes after."""
    for id, fields in entries:
        try:
            yield streamed(id, fields)
        except (LedgerCorrupt, KeyError, ValueError) as error:
            log.error("event cannot be read, and nobody is notified of it", id=id, why=str(error))


def happened_at(id: str) -> int:
    """When an event with this id happened (ms)."""
    return _position(id)[0]


def _position(id: str) -> tuple[int, int]:
    milliseconds, _, sequence = id.partition("-")
    return int(milliseconds or 0), int(sequence or 0)
