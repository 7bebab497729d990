"""Builds responses: always JSON with the same headers; each error is a problem by RFC 9457."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

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
PROBLEM = "application/problem+json"
CAUSE = "cause"
"""Key in a request's state: why it got an error response, for the log."""
RETRY_AFTER: Mapping[str, str] = {"Retry-After": "5"}
"""Retry-After in seconds when Redis or this process is overloaded or unavailable."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Every error: https://www.rfc-editor.org/rfc/rfc9457"""

    type: str = "about:blank"
    """There is nothing to read at an address: `code` names the problem, and docs/api.md explains it."""
    title: str
    """The status in words."""
    status: int
    detail: str
    """A sentence for people, with a remedy."""
    code: str
    """A word for programs."""


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
    body: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    content = msgspec.json.encode(body)
    return Response(content, status, {**HEADERS, **(headers or {})}, media_type)


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
    title = HTTPStatus(status).phrase
    problem = Problem(title=title, status=status, detail=message, code=code)
    return json_response(problem, status, headers, PROBLEM)
