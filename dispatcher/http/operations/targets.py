"""Operations: targets."""

from __future__ import annotations

from dispatcher.domain.concern import Concern
from dispatcher.http.api import targets
from dispatcher.http.api.schemas.targets import TargetInfo, TargetPage
from dispatcher.http.openapi.operation import Operation, Parameter
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import (
    CURSOR,
    INVALID,
    LIMIT,
    NAMESPACE_FILTER,
    REPOSITORY_FILTER,
    TARGET,
    TARGET_FILTER,
    choices,
    cursor,
    limit,
    text,
)

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/targets",
        handler=lambda at: at.targets.list,
        summary="Targets",
        responses={200: TargetPage},
        own_errors=LIMIT | CURSOR | INVALID,
        parameters=(
            TARGET_FILTER,
            NAMESPACE_FILTER,
            REPOSITORY_FILTER,
            text("search"),
            choices("concern", Concern),
            Parameter("sort", "query", {"enum": list(targets.SORTED)}),
            limit(targets.MOST, targets.USUAL),
            cursor(targets.CURSOR),
        ),
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
