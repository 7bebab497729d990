"""Operations: deploys and redeploys."""

from __future__ import annotations

from dispatcher.domain.access import Role
from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Reason, State
from dispatcher.http.api import deploy_search, deploys, logs, redeploys
from dispatcher.http.api.redeploys import RedeployOrder
from dispatcher.http.api.requests import Order
from dispatcher.http.api.schemas.deploys import (
    DeployDetail,
    DeployList,
    DeployPage,
    OrderAnswer,
    RedeployAnswer,
)
from dispatcher.http.openapi.operation import Operation, Parameter, codes
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import (
    COMMIT_FILTER,
    CURSOR,
    DEPLOY,
    INVALID,
    LIMIT,
    NAMESPACE_FILTER,
    REPOSITORY_FILTER,
    TARGET,
    TARGET_FILTER,
    TIMES,
    choices,
    cursor,
    limit,
    text,
)

REDEPLOY = codes(
    "400 invalid_commit invalid_ref ambiguous_ref contradiction invalid_idempotency_key",
    "409 never_deployed unknown_commit",
    "422 ref_not_taken",
)
CONTAINER = logs.CONTAINER.pattern
LOG = codes(
    "400 invalid_container invalid_flag",
    "404 no_log unknown_container",
    "410 log_gone",
    "503 log_unavailable too_many_logs",
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    {
        "type": "string",
        "minLength": 1,
        "maxLength": redeploys.LONGEST_KEY,
        "pattern": f"^{redeploys.IDEMPOTENCY_KEY.pattern}$",
    },
)

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/deploys",
        handler=lambda at: at.deploy_search.search,
        summary="Deploys of all targets, newest first",
        responses={200: DeployPage},
        own_errors=LIMIT | CURSOR | INVALID,
        parameters=(
            TARGET_FILTER,
            NAMESPACE_FILTER,
            REPOSITORY_FILTER,
            COMMIT_FILTER,
            text("ref"),
            choices("state", State),
            choices("reason", Reason),
            choices("cause", CauseKind),
            *TIMES,
            limit(deploy_search.MOST, deploy_search.USUAL),
            cursor(deploy_search.CURSOR),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/targets/{target}/deploys",
        handler=lambda at: at.deploys.list,
        summary="A target's deploys, newest first",
        responses={200: DeployList},
        own_errors=TARGET | LIMIT,
        parameters=(limit(deploys.MOST, deploys.MOST),),
    ),
    Operation(
        method="GET",
        path="/api/v1/targets/{target}/deploys/{number}",
        handler=lambda at: at.deploys.show,
        summary="A deploy",
        responses={200: DeployDetail},
        own_errors=DEPLOY,
    ),
    Operation(
        method="GET",
        path="/api/v1/targets/{target}/deploys/{number}/log",
        handler=lambda at: at.logs.show,
        summary="A deploy's log, live where it runs",
        responses={200: str},
        media=(logs.TEXT, logs.EVENT_STREAM),
        own_errors=DEPLOY | LOG,
        parameters=(
            Parameter("container", "query", {"type": "string", "pattern": f"^({CONTAINER})?$"}),
            Parameter("follow", "query", {"type": "boolean", "default": False}),
            Parameter("timestamps", "query", {"type": "boolean", "default": False}),
            Parameter("Last-Event-ID", "header", {"type": "string"}),
        ),
    ),
    Operation(
        method="POST",
        path="/api/v1/targets/{target}/redeploy",
        handler=lambda at: at.redeploys.redeploy,
        summary="Redeploy",
        responses={202: RedeployAnswer},
        own_errors=DEPLOY | REDEPLOY,
        parameters=(IDEMPOTENCY_KEY,),
        body=RedeployOrder,
        role=Role.OPERATE,
    ),
    Operation(
        method="POST",
        path="/api/v1/targets/{target}/deploys/{number}/cancel",
        handler=lambda at: at.deploys.cancel,
        summary="Stop a deploy",
        responses={202: OrderAnswer},
        own_errors=DEPLOY | codes("409 already_over"),
        body=Order,
        role=Role.OPERATE,
    ),
    Operation(
        method="POST",
        path="/api/v1/targets/{target}/deploys/{number}/release",
        handler=lambda at: at.deploys.release,
        summary="Release a target from a deploy that does not stop",
        responses={202: OrderAnswer},
        own_errors=DEPLOY | codes("409 already_over not_stopping"),
        body=Order,
        role=Role.OPERATE,
    ),
)
