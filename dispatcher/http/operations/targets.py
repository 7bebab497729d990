"""Operations: targets."""

from __future__ import annotations

from dispatcher.http.api.schemas.targets import TargetInfo, TargetList
from dispatcher.http.openapi.operation import Operation
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import TARGET

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/targets",
        handler=lambda at: at.targets.list,
        summary="All targets",
        responses={200: TargetList},
    ),
    Operation(
        method="GET",
        path="/api/v1/targets/{target}",
        handler=lambda at: at.targets.show,
        summary="A target",
        responses={200: TargetInfo},
        own_errors=TARGET,
    ),
)
