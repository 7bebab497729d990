"""JSON bodies about events: what happened to a deploy or a target."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from dispatcher.domain.event import Event, EventKind
from dispatcher.http.api.schemas.times import rfc3339


class EventInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened. A field that has nothing to say is left out."""

    kind: EventKind
    at: str | None
    state: State | None = None
    """The deploy's, from then on."""
    was: State | None = None
    """The state before, if it was another."""
    by: str = ""
    why: str = ""
    cause: CauseKind | None = None
    attempt: int = 0
    job: str = ""
    exit_code: int | None = None
    superseded_by: str | None = None
    delivery: str = ""
    """Id of the Git host's delivery that it came with."""
    commit: str = ""
    """The deploy's from then on, if it was given one."""


class StreamedEventInfo(EventInfo, frozen=True, kw_only=True):
    """An event of any target."""

    id: str
    """Where it stands among all events: what to go on from."""
    target: str = ""
    """Left out for an event of all targets."""
    deploy: str | None = None
    ref: str = ""


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    events: tuple[StreamedEventInfo, ...]
    """Newest first."""
    next: str = ""
    """The cursor of the next page; empty on the last one. A page can lack events and yet have a next."""


class GapInfo(msgspec.Struct, frozen=True, kw_only=True):
    """In a stream: the ledger no longer has events that the subscriber has not seen."""

    after: str
    """The stream goes on behind this id."""


def event_info(event: Event, target: str) -> EventInfo:
    return EventInfo(**event_facts(event, target))


def event_facts(event: Event, target: str) -> dict[str, Any]:
    """The fields of an EventInfo."""
    by = event.superseded_by
    facts = msgspec.structs.asdict(event)
    return {**facts, "at": rfc3339(event.at), "superseded_by": f"{target}/{by}" if by else None}
