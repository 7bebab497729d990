"""Operations: the installation as a whole."""

from __future__ import annotations

from dispatcher.http.api.schemas.system import SystemInfo
from dispatcher.http.openapi.operation import Operation
from dispatcher.http.operations.endpoints import Endpoints

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/system",
        handler=lambda at: at.system.show,
        summary="Health, versions, leader, configurations, repairs, and pushes that were never taken",
        responses={200: SystemInfo},
        everything=True,
    ),
)
