"""Builds responses: always JSON with the same headers; errors always have the same shape."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.errors import DispatcherError, LedgerUnavailable
from dispatcher.webhooks.results import Rejected

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
CAUSE = "cause"
"""Key in a request's state: why it got an error response, for the log."""
RETRY_AFTER: Mapping[str, str] = {"Retry-After": "5"}
"""Retry-After in seconds when Redis or this process is overloaded or unavailable."""


class Error(msgspec.Struct, frozen=True):
    code: str
    message: str


class ErrorBody(msgspec.Struct, frozen=True):
    """Every error: `{"error": {"code": …, "message": …}}`."""

    error: Error


class ErrorResponse(DispatcherError):
    """Ends a request with an error response: raised anywhere, handled in one place."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = headers or {}
        self.cause = code
        """`cause` is for the log."""

    @classmethod
    def of(cls, rejected: Rejected) -> ErrorResponse:
        error = cls(rejected.status, rejected.code, rejected.message)
        error.cause = rejected.cause
        return error


def json_response(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        msgspec.json.encode(body),
        status,
        {**HEADERS, **(headers or {})},
        "application/json",
    )


def handle_error(request: Request, error: Exception) -> Response:
    """The response to an exception: an ErrorResponse, a routing error, Redis, or a bug."""
    match error:
        case ErrorResponse():
            request.scope.setdefault("state", {})[CAUSE] = error.cause
            return error_response(error)
        case HTTPException():
            code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
            return _error(error.status_code, code, error.detail, error.headers)
        case LedgerUnavailable():
            message = "Redis is not available: the request was not carried out; send it again"
            return _error(503, "ledger_unavailable", message, RETRY_AFTER)
    return _error(500, "internal_error", "This is a bug in git-dispatcher; see its log")


def error_response(error: ErrorResponse) -> Response:
    return _error(error.status, error.code, error.message, error.headers)


def _error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    return json_response(ErrorBody(Error(code, message)), status, headers)
