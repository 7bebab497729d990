"""The table of operations, by noun: method, path, handler, what each takes and returns, and its errors.

Both the routes and the OpenAPI document are built from it, in this order.
"""

from dispatcher.http.operations import (
    access,
    commits,
    deliveries,
    deploys,
    events,
    notifications,
    pauses,
    processes,
    queue,
    repairs,
    service,
    system,
    targets,
)
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.routes import API, api_routes, open_routes

NOUNS = (
    service,
    targets,
    deploys,
    commits,
    queue,
    events,
    pauses,
    processes,
    system,
    repairs,
    deliveries,
    notifications,
    access,
)

OPERATIONS = tuple(operation for noun in NOUNS for operation in noun.OPERATIONS)

__all__ = ["API", "OPERATIONS", "Endpoints", "api_routes", "open_routes"]
