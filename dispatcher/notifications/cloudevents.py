"""Happenings as CloudEvents, in JSON. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import msgspec

from dispatcher.domain.notification import GAP, TEST, Message
from dispatcher.http.api.schemas.deploys import DeployInfo, deploy_info
from dispatcher.http.api.schemas.events import StreamedEventInfo, event_facts
from dispatcher.http.api.schemas.times import rfc3339
from dispatcher.notifications.happenings import Happening

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
PREFIX = "dev.git-dispatcher"


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, and the deploy as it is when the event is sent first; both as the API has them."""

    event: StreamedEventInfo
    deploy: DeployInfo | None = None
    """Null for an event of a target, and if the ledger no longer has the deploy."""


class GapData(msgspec.Struct, frozen=True, kw_only=True):
    """Events that the ledger dropped before they were sent: ask the API what has become of deploys."""

    after: str
    """Id of the last event before the gap."""
    why: str


class TestData(msgspec.Struct, frozen=True, kw_only=True):
    by: str
    __test__ = False
    """Not one of pytest's."""


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    specversion: str
    id: str
    source: str
    """The installation."""
    type: str
    subject: str = ""
    time: str
    datacontenttype: str
    data: EventData | GapData | TestData


def event(happening: Happening, instance: str) -> Message:
    """The message to a webhook."""
    kind = f"{'deploy' if happening.number else 'target'}.{happening.name}"
    made = _cloud_event(happening.id, kind, happening.event.at, instance, _data(happening))
    return Message(
        id=happening.id,
        name=happening.name,
        target=happening.target,
        number=happening.number,
        at=happening.event.at,
        text=_text(msgspec.structs.replace(made, subject=happening.subject)),
    )


def gap(id: str, after: str, why: str, at: int, instance: str) -> Message:
    """Says that events are missing."""
    data = GapData(after=after, why=why)
    return Message(id=id, name=GAP, at=at, text=_text(_cloud_event(id, GAP, at, instance, data)))


def test(id: str, by: str, at: int, instance: str) -> Message:
    """Shows that events arrive."""
    data = TestData(by=by)
    return Message(id=id, name=TEST, at=at, text=_text(_cloud_event(id, TEST, at, instance, data)))


def source(instance: str) -> str:
    """`/git-dispatcher/default`."""
    return f"/git-dispatcher/{instance}"


def _cloud_event(
    id: str, kind: str, at: int, instance: str, data: EventData | GapData | TestData
) -> CloudEvent:
    return CloudEvent(
        specversion="1.0",
        id=id,
        source=source(instance),
        type=f"{PREFIX}.{kind}",
        time=rfc3339(at) or "",
        datacontenttype="application/json",
        data=data,
    )


def _text(made: CloudEvent) -> str:
    return msgspec.json.encode(made).decode()


def _data(happening: Happening) -> EventData:
    facts = {**event_facts(happening.event, happening.target), "commit": happening.commit}
    event = StreamedEventInfo(
        **facts,
        id=happening.id,
        target=happening.target,
        deploy=happening.subject if happening.number else None,
        ref=happening.ref,
    )
    return EventData(
        event=event, deploy=deploy_info(happening.deploy) if happening.deploy else None
    )
