"""Holds each API request to the query parameters of its operation: a mistyped filter must not be ignored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.http.responses import ErrorResponse

Handler = Callable[[Request], Awaitable[Response]]

SHOWN = 60
"""Most characters of an unknown parameter's name in a message."""


def with_parameters(handler: Handler, names: Collection[str]) -> Handler:
    """The handler for requests that have these query parameters only, each once."""

    async def check(request: Request) -> Response:
        for name, count in Counter(key for key, _ in request.query_params.multi_items()).items():
            if name not in names:
                raise _unknown(name, names)
            if count > 1:
                message = f"The query parameter {name} is there {count} times: send it once"
                raise ErrorResponse(400, "repeated_parameter", message)
        return await handler(request)

    return check


def _unknown(name: str, names: Collection[str]) -> ErrorResponse:
    shown = "".join(c if c.isprintable() else "?" for c in name[:SHOWN])
    there = f"there are only {', '.join(sorted(names))}" if names else "there are none"
    message = f"There is no query parameter {shown!r} here: {there}"
    return ErrorResponse(400, "unknown_parameter", message)
