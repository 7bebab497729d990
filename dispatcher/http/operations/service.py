"""Operations: deliveries of Git hosts, health, and the OpenAPI document."""

from __future__ import annotations

from dispatcher.http.api.schemas.health import Alive, Ready
from dispatcher.http.openapi.operation import Operation, codes
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.webhooks import intake
from dispatcher.webhooks.providers.generic import Payload

HOOK = codes(
    "400 missing_header repeated_header malformed_header wrong_provider",
    "400 invalid_form invalid_json invalid_body invalid_field duplicate_field",
    "401 unauthorized",
    "413 body_too_large",
    "415 unsupported_media_type unsupported_charset unsupported_encoding",
    "429 too_many_failures",
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
        responses={200: Alive},
        role=None,
        ledger=False,
    ),
    Operation(
        method="GET",
        path="/readyz",
        handler=lambda at: at.health.ready,
        summary="Whether deliveries are accepted, and the state of ledger and cluster",
        responses={200: Ready},
        role=None,
        ledger=False,
    ),
    Operation(
        method="GET",
        path="/metrics",
        handler=lambda at: at.metrics.show,
        summary="Metrics of this process, for Prometheus",
        responses={200: str},
        own_errors=codes("401 unauthorized", "403 forbidden"),
        role=None,
        media=("text/plain", "application/openmetrics-text"),
    ),
    Operation(
        method="GET",
        path="/api/v1/openapi.json",
        handler=lambda at: at.document.show,
        summary="This document",
        responses={200: dict},
        ledger=False,
    ),
)
