"""Events of the stream as JSON bodies. Pure."""

from __future__ import annotations

from dispatcher.http.api.schemas.events import StreamedEventInfo, event_facts
from dispatcher.ledger import StreamedEvent


def streamed_event_info(streamed: StreamedEvent) -> StreamedEventInfo:
    number = streamed.number
    facts = {**event_facts(streamed.event, streamed.target), "commit": streamed.commit}
    return StreamedEventInfo(
        **facts,
        id=streamed.id,
        target=streamed.target,
        deploy=f"{streamed.target}/{number}" if number else None,
        ref=streamed.ref,
    )
