"""Operations: pauses of one target or of all."""

from __future__ import annotations

from dispatcher.domain.access import Role
from dispatcher.http.api.requests import Order
from dispatcher.http.api.schemas.pauses import PauseAnswer
from dispatcher.http.openapi.operation import Operation
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import TARGET

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="POST",
        path="/api/v1/targets/{target}/pause",
        handler=lambda at: at.pauses.pause,
        summary="Pause a target",
        responses={200: PauseAnswer},
        own_errors=TARGET,
        body=Order,
        role=Role.OPERATE,
    ),
    Operation(
        method="POST",
        path="/api/v1/targets/{target}/resume",
        handler=lambda at: at.pauses.resume,
        summary="Resume a target",
        responses={200: PauseAnswer},
        own_errors=TARGET,
        body=Order,
        role=Role.OPERATE,
    ),
    Operation(
        method="POST",
        path="/api/v1/pause",
        handler=lambda at: at.pauses.pause,
        summary="Pause all targets",
        responses={200: PauseAnswer},
        body=Order,
        role=Role.OPERATE,
        everything=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/resume",
        handler=lambda at: at.pauses.resume,
        summary="Resume all targets",
        responses={200: PauseAnswer},
        body=Order,
        role=Role.OPERATE,
        everything=True,
    ),
)
