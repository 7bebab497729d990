"""Header limits: how many headers a request may have and how large, before anything looks at them."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from dispatcher.http.responses import ErrorResponse, error_response

MOST_HEADERS = 100
"""Git hosts send about twenty, and each proxy adds some."""
HEADER_BYTES = 32 * 1024
"""Of all names and values."""
TOO_LARGE = ErrorResponse(
    431,
    "headers_too_large",
    f"A request may have {MOST_HEADERS} headers, which hold {HEADER_BYTES} bytes together",
)


class HeaderLimits:
    """Middleware: what exceeds them gets a 431."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fit = scope["type"] != "http" or _fit(scope["headers"])
        await (self._app if fit else error_response(TOO_LARGE))(scope, receive, send)


def _fit(headers: list[tuple[bytes, bytes]]) -> bool:
    size = sum(len(name) + len(value) for name, value in headers)
    return len(headers) <= MOST_HEADERS and size <= HEADER_BYTES
