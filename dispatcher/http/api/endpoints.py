"""What each endpoint takes and answers, as a table. `openapi` makes the document of it, which tests hold the
application and docs/reads.md to.

It describes and decides nothing: no request is read by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from dispatcher.http import health
from dispatcher.http.api import deliveries, delivery_views, reads, views
from dispatcher.http.api.redeploys import RedeployOrder
from dispatcher.http.api.requests import Order
from dispatcher.http.webhooks import intake
from dispatcher.webhooks.providers.generic import Payload


class Code(NamedTuple):
    """One of the refusals that docs/reads.md explains."""

    status: int
    name: str


Codes = frozenset[Code]
_NONE: Codes = frozenset()


class Parameter(NamedTuple):
    """What a request carries beside its path and body; it can be left out."""

    name: str
    place: str
    """`query` or `header`."""
    schema: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path."""

    summary: str
    answers: Mapping[int, type]
    """Status → body, where it goes well."""
    own: Codes = _NONE
    """Refusals beside those that are common to many."""
    parameters: tuple[Parameter, ...] = ()
    body: type | None = None
    token: bool = True
    ledger: bool = True
    """Whether it is refused without Redis."""

    @property
    def refusals(self) -> Codes:
        sent = (SENT | ORDERED if self.token else SENT) if self.body else _NONE
        return (
            ANYWHERE
            | (LEDGER if self.ledger else _NONE)
            | (TOKEN if self.token else _NONE)
            | sent
            | self.own
        )


def _codes(*lines: str) -> Codes:
    """Of lines like `404 unknown_target unknown_deploy`."""
    split = [line.split() for line in lines]
    return frozenset(Code(int(status), name) for status, *names in split for name in names)


ANYWHERE = _codes(
    "400 not_http",
    "404 not_found",
    "405 method_not_allowed",
    "431 headers_too_large",
    "500 internal_error",
    "503 busy",
)
LEDGER = _codes("503 ledger_unavailable")
TOKEN = _codes("401 unauthorized", "403 api_disabled")
SENT = _codes("408 body_too_slow", "400 body_incomplete")
"""Where a body is read."""
ORDERED = _codes("400 invalid_body", "413 body_too_large")
HOOK = _codes(
    "400 missing_header repeated_header malformed_header wrong_provider",
    "400 invalid_form invalid_json invalid_body invalid_field duplicate_field",
    "401 unauthorized",
    "413 body_too_large",
    "415 unsupported_media_type unsupported_charset unsupported_encoding",
    "429 too_many_failures",
)
TARGET = _codes("404 unknown_target")
DEPLOY = TARGET | _codes("404 unknown_deploy")
DELIVERY = _codes("404 unknown_delivery")
LIMIT = _codes("400 invalid_limit")
REDEPLOY = _codes(
    "400 invalid_commit invalid_ref ambiguous_ref contradiction invalid_idempotency_key",
    "409 never_deployed unknown_commit",
    "422 ref_not_taken",
)


def _limit(most: int, usual: int) -> Parameter:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": usual}
    return Parameter("limit", "query", schema)


IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    {"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[!-~]([ -~]*[!-~])?$"},
)

PATHS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "hook": {"type": "string", "minLength": 1},
        "target": {"type": "string", "minLength": 1},
        "number": {"type": "integer", "minimum": 1, "maximum": 10**15 - 1},
        "id": {"type": "string", "minLength": 1},
    }
)
"""Name of a part of a path → its schema."""

OPERATIONS: Mapping[tuple[str, str], Operation] = MappingProxyType(
    {
        ("POST", "/webhooks/{hook}"): Operation(
            summary="A delivery of a Git host, proved as the host does it",
            answers={202: intake.Answer, 200: intake.Answer},
            own=HOOK,
            body=Payload,
            token=False,
        ),
        ("GET", "/livez"): Operation(
            summary="Whether the process works",
            answers={200: health.Alive},
            token=False,
            ledger=False,
        ),
        ("GET", "/readyz"): Operation(
            summary="Whether deliveries are taken, and how ledger and cluster are",
            answers={200: health.Ready},
            token=False,
            ledger=False,
        ),
        ("GET", "/api/v1/openapi.json"): Operation(
            summary="This document", answers={200: dict}, ledger=False
        ),
        ("GET", "/api/v1/targets"): Operation(
            summary="All targets", answers={200: views.TargetList}
        ),
        ("GET", "/api/v1/targets/{target}"): Operation(
            summary="A target", answers={200: views.TargetInfo}, own=TARGET
        ),
        ("GET", "/api/v1/targets/{target}/deploys"): Operation(
            summary="A target's deploys, newest first",
            answers={200: views.DeployList},
            own=TARGET | LIMIT,
            parameters=(_limit(reads.MOST, reads.MOST),),
        ),
        ("GET", "/api/v1/targets/{target}/deploys/{number}"): Operation(
            summary="A deploy", answers={200: views.DeployDetail}, own=DEPLOY
        ),
        ("POST", "/api/v1/targets/{target}/redeploy"): Operation(
            summary="Deploy once more",
            answers={202: views.RedeployAnswer},
            own=DEPLOY | REDEPLOY,
            parameters=(IDEMPOTENCY_KEY,),
            body=RedeployOrder,
        ),
        ("POST", "/api/v1/targets/{target}/deploys/{number}/cancel"): Operation(
            summary="Stop a deploy",
            answers={202: views.OrderAnswer},
            own=DEPLOY | _codes("409 already_over"),
            body=Order,
        ),
        ("POST", "/api/v1/targets/{target}/deploys/{number}/release"): Operation(
            summary="Go on without a deploy that does not stop",
            answers={202: views.OrderAnswer},
            own=DEPLOY | _codes("409 already_over not_stopping"),
            body=Order,
        ),
        ("POST", "/api/v1/targets/{target}/pause"): Operation(
            summary="Hold a target",
            answers={200: views.PauseAnswer},
            own=TARGET,
            body=Order,
        ),
        ("POST", "/api/v1/targets/{target}/resume"): Operation(
            summary="Let a target go on",
            answers={200: views.PauseAnswer},
            own=TARGET,
            body=Order,
        ),
        ("POST", "/api/v1/pause"): Operation(
            summary="Hold all targets", answers={200: views.PauseAnswer}, body=Order
        ),
        ("POST", "/api/v1/resume"): Operation(
            summary="Let all targets go on", answers={200: views.PauseAnswer}, body=Order
        ),
        ("GET", "/api/v1/repairs"): Operation(
            summary="What was found wrong and put right",
            answers={200: views.RepairList},
            own=LIMIT,
            parameters=(_limit(reads.MOST, reads.MOST),),
        ),
        ("GET", "/api/v1/hooks"): Operation(
            summary="Hooks, when their secrets were used, and what was refused",
            answers={200: delivery_views.HookList},
        ),
        ("GET", "/api/v1/deliveries"): Operation(
            summary="Deliveries, newest first",
            answers={200: delivery_views.DeliveryList},
            own=LIMIT,
            parameters=(_limit(deliveries.MOST, deliveries.USUAL),),
        ),
        ("GET", "/api/v1/deliveries/{id}"): Operation(
            summary="A delivery, and what each target makes of it",
            answers={200: delivery_views.DeliveryDetail},
            own=DELIVERY,
        ),
        ("POST", "/api/v1/deliveries/{id}/replay"): Operation(
            summary="Take a delivery as if it had just come",
            answers={202: delivery_views.ReplayAnswer, 200: delivery_views.ReplayAnswer},
            own=DELIVERY | _codes("409 not_replayable removed_hook"),
            body=Order,
        ),
    }
)
"""Method and path → what is there."""
