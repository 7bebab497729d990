"""Routes from operations, each held to what its caller may do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from starlette.routing import Route

from dispatcher.http.openapi.operation import Operation
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.parameters import with_parameters
from dispatcher.http.permissions import permitted

API = "/api/v1"
Operations: TypeAlias = Iterable[Operation[Endpoints]]


def open_routes(operations: Operations, endpoints: Endpoints) -> list[Route]:
    """The routes that need no API token."""
    return [_route(each, endpoints) for each in operations if not each.token]


def api_routes(operations: Operations, endpoints: Endpoints) -> list[Route]:
    """The routes that need an API token, relative to `API`."""
    return [_route(each, endpoints, API) for each in operations if each.token]


def _route(operation: Operation[Endpoints], endpoints: Endpoints, prefix: str = "") -> Route:
    handler = operation.handler(endpoints)
    if operation.role is not None:
        handler = with_parameters(handler, operation.query)
        handler = permitted(handler, operation.role, everything=operation.everything)
    return Route(operation.path.removeprefix(prefix), handler, methods=[operation.method])
