"""Operations: notifications."""

from __future__ import annotations

from dispatcher.domain.access import Role
from dispatcher.http.api import notifications
from dispatcher.http.api.requests import Order
from dispatcher.http.api.schemas.notifications import (
    DeadLetterPage,
    ReceiverList,
    RequestedMessage,
)
from dispatcher.http.openapi.operation import Operation, codes
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import CURSOR, LIMIT, NEXT_PAGE, limit

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/notifications",
        handler=lambda at: at.receivers.list,
        summary="Receivers of notifications, and how far each is",
        responses={200: ReceiverList},
        everything=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/notifications/{name}/test",
        handler=lambda at: at.receivers.test,
        summary="Send a receiver a test",
        responses={202: RequestedMessage},
        own_errors=codes("404 unknown_receiver"),
        body=Order,
        role=Role.OPERATE,
        everything=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/notifications/dead-letters",
        handler=lambda at: at.receivers.dead_letters,
        summary="Messages that were given up, newest first",
        responses={200: DeadLetterPage},
        own_errors=LIMIT | CURSOR,
        parameters=(limit(notifications.MOST, notifications.USUAL), NEXT_PAGE),
        everything=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/notifications/dead-letters/{id}/resend",
        handler=lambda at: at.receivers.resend,
        summary="Send a dead letter again",
        responses={202: RequestedMessage},
        own_errors=codes("404 unknown_dead_letter", "409 removed_receiver"),
        body=Order,
        role=Role.OPERATE,
        everything=True,
    ),
)
