"""Operations: repairs."""

from __future__ import annotations

from dispatcher.http.api import repairs
from dispatcher.http.api.schemas.repairs import RepairList
from dispatcher.http.openapi.operation import Operation
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import LIMIT, limit

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/repairs",
        handler=lambda at: at.repairs.list,
        summary="Repairs, newest first",
        responses={200: RepairList},
        own_errors=LIMIT,
        parameters=(limit(repairs.MOST, repairs.MOST),),
        everything=True,
    ),
)
