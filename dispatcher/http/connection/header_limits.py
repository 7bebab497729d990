"""Limits the number and size of a request's headers, before anything else reads them."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from dispatcher.http.responses import ErrorResponse, error_response

MOST_HEADERS = 100
"""Most headers of a request. Git hosts send about twenty, and each proxy adds some."""
HEADER_BYTES = 32 * 1024
"""Most bytes of all header names and values together."""
TOO_LARGE = ErrorResponse(
    431,
    "headers_too_large",
    f"A request may have at most {MOST_HEADERS} headers and {HEADER_BYTES} bytes of headers",
)


class HeaderLimits:
    """Middleware: answers 431 to a request over the limits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fit = scope["type"] != "http" or _fit(scope["headers"])
        await (self._app if fit else error_response(TOO_LARGE))(scope, receive, send)


def _fit(headers: list[tuple[bytes, bytes]]) -> bool:
    size = sum(len(name) + len(value) for name, value in headers)
    return len(headers) <= MOST_HEADERS and size <= HEADER_BYTES
