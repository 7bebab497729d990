"""Operations: processes."""

from __future__ import annotations

from dispatcher.http.api.schemas.processes import ProcessList
from dispatcher.http.openapi.operation import Operation
from dispatcher.http.operations.endpoints import Endpoints

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/processes",
        handler=lambda at: at.processes.list,
        summary="Processes: those alive, those late, those lately gone",
        responses={200: ProcessList},
        everything=True,
    ),
)
