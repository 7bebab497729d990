"""Operations: the queue."""

from __future__ import annotations

from dispatcher.domain.waiting import WaitsFor
from dispatcher.http.api import queue
from dispatcher.http.api.schemas.queue import QueuePage
from dispatcher.http.openapi.operation import Operation
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import (
    CURSOR,
    INVALID,
    LIMIT,
    NAMESPACE_FILTER,
    TARGET_FILTER,
    choices,
    cursor,
    limit,
)

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/queue",
        handler=lambda at: at.queue.queue,
        summary="Deploys that wait, and what for",
        responses={200: QueuePage},
        own_errors=LIMIT | CURSOR | INVALID,
        parameters=(
            TARGET_FILTER,
            NAMESPACE_FILTER,
            choices("waits_for", WaitsFor),
            limit(queue.MOST, queue.USUAL),
            cursor(queue.POSITION),
        ),
    ),
)
