"""The table of operations: method, path, handler, what each takes and returns, and its errors.

Both the routes and the OpenAPI document are built from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.routing import Route

from dispatcher.domain.access import Role
from dispatcher.http import health
from dispatcher.http.api import access, deliveries, deploys, redeploys, repairs
from dispatcher.http.api.access import Access, TokenOrder
from dispatcher.http.api.deliveries import Deliveries
from dispatcher.http.api.deploys import Deploys
from dispatcher.http.api.hooks import ConfiguredHooks
from dispatcher.http.api.pauses import Pausing
from dispatcher.http.api.redeploys import RedeployOrder, Redeploys
from dispatcher.http.api.repairs import RepairLog
from dispatcher.http.api.replays import Replays
from dispatcher.http.api.requests import Order
from dispatcher.http.api.schemas.access import (
    AuditPage,
    CreatedToken,
    RevokedToken,
    TokenList,
)
from dispatcher.http.api.schemas.deliveries import DeliveryDetail, DeliveryList, ReplayAnswer
from dispatcher.http.api.schemas.deploys import (
    DeployDetail,
    DeployList,
    OrderAnswer,
    RedeployAnswer,
)
from dispatcher.http.api.schemas.hooks import HookList
from dispatcher.http.api.schemas.pauses import PauseAnswer
from dispatcher.http.api.schemas.repairs import RepairList
from dispatcher.http.api.schemas.targets import TargetInfo, TargetList
from dispatcher.http.api.targets import Targets
from dispatcher.http.health import Health
from dispatcher.http.openapi.endpoint import OpenApi
from dispatcher.http.openapi.operation import Operation, Parameter, codes
from dispatcher.http.permissions import permitted
from dispatcher.http.webhooks import intake
from dispatcher.http.webhooks.endpoint import Hooks
from dispatcher.webhooks.providers.generic import Payload

API = "/api/v1"


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The handlers of all operations."""

    hooks: Hooks
    health: Health
    document: OpenApi
    targets: Targets
    deploys: Deploys
    redeploys: Redeploys
    pauses: Pausing
    repairs: RepairLog
    configured_hooks: ConfiguredHooks
    deliveries: Deliveries
    replays: Replays
    access: Access


HOOK = codes(
    "400 missing_header repeated_header malformed_header wrong_provider",
    "400 invalid_form invalid_json invalid_body invalid_field duplicate_field",
    "401 unauthorized",
    "413 body_too_large",
    "415 unsupported_media_type unsupported_charset unsupported_encoding",
    "429 too_many_failures",
)
TARGET = codes("404 unknown_target")
DEPLOY = TARGET | codes("404 unknown_deploy")
DELIVERY = codes("404 unknown_delivery")
LIMIT = codes("400 invalid_limit")
CURSOR = codes("400 invalid_cursor")
REDEPLOY = codes(
    "400 invalid_commit invalid_ref ambiguous_ref contradiction invalid_idempotency_key",
    "409 never_deployed unknown_commit",
    "422 ref_not_taken",
)


def _limit(most: int, usual: int) -> Parameter:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": usual}
    return Parameter("limit", "query", schema)


_CURSOR = Parameter(
    "cursor", "query", {"type": "string", "pattern": f"^({access.CURSOR.pattern})?$"}
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
        method="POST",
        path="/webhooks/{hook}",
        handler=lambda at: at.hooks.deliver,
        summary="Receive a delivery, authenticated as its Git host does it",
        responses={202: intake.Answer, 200: intake.Answer},
        own_errors=HOOK,
        body=Payload,
        role=None,
    ),
    Operation(
        method="GET",
        path="/livez",
        handler=lambda at: at.health.live,
        summary="Whether the process works",
        responses={200: health.Alive},
        role=None,
        ledger=False,
    ),
    Operation(
        method="GET",
        path="/readyz",
        handler=lambda at: at.health.ready,
        summary="Whether deliveries are accepted, and the state of ledger and cluster",
        responses={200: health.Ready},
        role=None,
        ledger=False,
    ),
    Operation(
        method="GET",
        path="/api/v1/openapi.json",
        handler=lambda at: at.document.show,
        summary="This document",
        responses={200: dict},
        ledger=False,
    ),
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
    Operation(
        method="GET",
        path="/api/v1/targets/{target}/deploys",
        handler=lambda at: at.deploys.list,
        summary="A target's deploys, newest first",
        responses={200: DeployList},
        own_errors=TARGET | LIMIT,
        parameters=(_limit(deploys.MOST, deploys.MOST),),
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
    Operation(
        method="GET",
        path="/api/v1/repairs",
        handler=lambda at: at.repairs.list,
        summary="Repairs, newest first",
        responses={200: RepairList},
        own_errors=LIMIT,
        parameters=(_limit(repairs.MOST, repairs.MOST),),
        everything=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/hooks",
        handler=lambda at: at.configured_hooks.hooks,
        summary="Hooks, when their secrets were last used, and how many requests were rejected",
        responses={200: HookList},
        everything=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/deliveries",
        handler=lambda at: at.deliveries.deliveries,
        summary="Deliveries, newest first",
        responses={200: DeliveryList},
        own_errors=LIMIT,
        parameters=(_limit(deliveries.MOST, deliveries.USUAL),),
        everything=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/deliveries/{id:path}/replay",
        handler=lambda at: at.replays.replay,
        summary="Replay a delivery as if it had just arrived",
        responses={202: ReplayAnswer, 200: ReplayAnswer},
        own_errors=DELIVERY | codes("409 not_replayable removed_hook"),
        body=Order,
        role=Role.OPERATE,
        everything=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/deliveries/{id:path}",
        handler=lambda at: at.deliveries.delivery,
        summary="A delivery, and what each target makes of it",
        responses={200: DeliveryDetail},
        own_errors=DELIVERY,
        everything=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/tokens",
        handler=lambda at: at.access.list_tokens,
        summary="API tokens",
        responses={200: TokenList},
        role=Role.ADMIN,
        everything=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/tokens",
        handler=lambda at: at.access.create_token,
        summary="Create an API token",
        responses={201: CreatedToken},
        own_errors=codes("409 token_exists"),
        body=TokenOrder,
        role=Role.ADMIN,
        everything=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/tokens/{name}/revoke",
        handler=lambda at: at.access.revoke_token,
        summary="Revoke an API token",
        responses={200: RevokedToken},
        own_errors=codes("404 unknown_token"),
        body=Order,
        role=Role.ADMIN,
        everything=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/audit",
        handler=lambda at: at.access.audit,
        summary="Orders and what came of them, newest first",
        responses={200: AuditPage},
        own_errors=LIMIT | CURSOR,
        parameters=(_limit(access.MOST, access.USUAL), _CURSOR),
        role=Role.ADMIN,
        everything=True,
    ),
)
"""`/replay` comes before the id that could end with it: where no operation of a path has the method, a 405
names the methods of the first that matches."""


def open_routes(endpoints: Endpoints) -> list[Route]:
    """The routes that need no API token."""
    return [_route(each, endpoints) for each in OPERATIONS if not each.token]


def api_routes(endpoints: Endpoints) -> list[Route]:
    """The routes that need an API token, relative to `API`."""
    return [_route(each, endpoints, API) for each in OPERATIONS if each.token]


def _route(operation: Operation[Endpoints], endpoints: Endpoints, prefix: str = "") -> Route:
    handler = operation.handler(endpoints)
    if operation.role is not None:
        handler = permitted(handler, operation.role, everything=operation.everything)
    return Route(operation.path.removeprefix(prefix), handler, methods=[operation.method])
