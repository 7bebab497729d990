"""Operations: what happens to deploys and targets."""

from __future__ import annotations

from dispatcher.domain.event import EventKind
from dispatcher.http.api import events
from dispatcher.http.api.schemas.events import EventPage
from dispatcher.http.openapi.operation import Operation, Parameter, codes
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import (
    CURSOR,
    INVALID,
    LIMIT,
    TARGET_FILTER,
    choices,
    cursor,
    limit,
)

LAST_EVENT_ID = {"type": "string", "pattern": f"^({events.ID.pattern})?$"}

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/events",
        handler=lambda at: at.events.events,
        summary="What happens, as Server-Sent Events; what happened, newest first",
        responses={200: EventPage},
        own_errors=LIMIT | CURSOR | INVALID | codes("429 too_many_subscribers"),
        parameters=(
            TARGET_FILTER,
            choices("kind", EventKind),
            limit(events.MOST, events.USUAL),
            cursor(events.ID),
            Parameter("after", "query", LAST_EVENT_ID),
            Parameter("Last-Event-ID", "header", LAST_EVENT_ID),
        ),
        stream=True,
    ),
)
