"""The type of one operation: a method of a path, what serves it, and what it takes and returns. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.access import Role

Handler = Callable[[Request], Awaitable[Response]]
Endpoints = TypeVar("Endpoints")


class Code(NamedTuple):
    """An API error: its status and code, which docs/api.md explains."""

    status: int
    name: str


Codes = frozenset[Code]
_NONE: Codes = frozenset()


class Parameter(NamedTuple):
    """An optional query parameter or header."""

    name: str
    place: str
    """`query` or `header`."""
    schema: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[Endpoints]):
    """One method of one path."""

    method: str
    path: str
    """The path with starlette's convertors: `{id:path}` is an ID that may contain a slash."""
    handler: Callable[[Endpoints], Handler]
    """Picks the handler from the application's endpoints."""
    summary: str
    responses: Mapping[int, type]
    """Status → body, on success."""
    own_errors: Codes = _NONE
    """Errors besides those that many operations share."""
    parameters: tuple[Parameter, ...] = ()
    body: type | None = None
    role: Role | None = Role.READ
    """What the caller's token must allow; None for a request that needs no token."""
    everything: bool = False
    """Whether it concerns more than single targets: a token that is limited to some may not."""
    stream: bool = False
    """Whether it answers with Server-Sent Events to a client that asks for them."""
    ledger: bool = True
    """Whether it fails without Redis."""
    media: tuple[str, ...] = ("application/json",)
    """Media types of its responses on success."""

    @property
    def token(self) -> bool:
        """Whether the request needs an API token."""
        return self.role is not None

    @property
    def query(self) -> tuple[str, ...]:
        """The names of its query parameters."""
        return tuple(each.name for each in self.parameters if each.place == "query")

    @property
    def errors(self) -> Codes:
        sent = (SENT | ORDERED if self.token else SENT) if self.body else _NONE
        return (
            ANYWHERE
            | (LEDGER if self.ledger else _NONE)
            | (TOKEN | QUERY if self.token else _NONE)
            | sent
            | self.own_errors
        )


def codes(*lines: str) -> Codes:
    """Of lines like `404 unknown_target unknown_deploy`."""
    split = [line.split() for line in lines]
    return frozenset(Code(int(status), name) for status, *names in split for name in names)


ANYWHERE = codes(
    "400 not_http",
    "404 not_found",
    "405 method_not_allowed",
    "431 headers_too_large",
    "500 internal_error",
    "503 busy",
)
LEDGER = codes("503 ledger_unavailable")
TOKEN = codes("401 unauthorized", "403 api_disabled forbidden")
QUERY = codes("400 unknown_parameter repeated_parameter")
SENT = codes("408 body_too_slow", "400 body_incomplete")
"""Errors of reading a body."""
ORDERED = codes("400 invalid_body", "413 body_too_large")
"""Errors of a body that is an order."""
