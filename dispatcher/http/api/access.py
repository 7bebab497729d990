"""`/api/v1`: API tokens, and the audit log of all orders."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.access import Role, Token, Verb
from dispatcher.http.api.audited import AuditLog, Origin
from dispatcher.http.api.filters import position
from dispatcher.http.api.requests import Order, RequestParser, line, page_limit
from dispatcher.http.api.schemas.access import (
    AuditPage,
    CreatedToken,
    RevokedToken,
    TokenList,
    audit_info,
    token_info,
)
from dispatcher.http.responses import ErrorResponse, json_response
from dispatcher.ledger import Audit, Store, Tokens
from dispatcher.matching.globs import mistakes

MOST, USUAL = 200, 50
"""Orders in one response."""
CURSOR = re.compile(r"\d{1,16}-\d{1,16}")
TOKEN_NAME = r"^[a-z][a-z0-9-]{0,29}$"  # noqa: S105  # a pattern
Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]

log = structlog.get_logger()


class TokenOrder(Order, frozen=True, kw_only=True):
    """The token to create."""

    name: Annotated[str, msgspec.Meta(pattern=TOKEN_NAME)]
    role: Role = Role.READ
    targets: Annotated[tuple[Glob, ...], msgspec.Meta(max_length=50)] = ()
    expires_in: Annotated[int, msgspec.Meta(ge=0, le=10 * 366 * 86400)] = 0
    """Seconds; 0 for never."""


class Access:
    """The endpoints. Redis calls run in threads."""

    def __init__(self, parser: RequestParser, store: Store, audit: AuditLog) -> None:
        self._parser, self._store, self._audit = parser, store, audit
        self._tokens, self._orders = Tokens(store), Audit(store)

    async def list_tokens(self, _: Request) -> Response:
        return json_response(await to_thread.run_sync(self._list))

    async def create_token(self, request: Request) -> Response:
        order = await self._parser.order(request, TokenOrder)
        if wrong := list(mistakes(order.targets)):
            raise ErrorResponse(400, "invalid_body", f"targets: {wrong[0]}")
        created = await to_thread.run_sync(self._create, Origin.of(request), order)
        return json_response(created, 201)

    async def revoke_token(self, request: Request) -> Response:
        name = line(request.path_params["name"])[:100]
        order = await self._parser.order(request, Order)
        return json_response(
            await to_thread.run_sync(self._revoke, Origin.of(request), name, order)
        )

    async def audit(self, request: Request) -> Response:
        limit, cursor = page_limit(request, USUAL, MOST), position(request, CURSOR)
        orders, further = await to_thread.run_sync(self._orders.orders, cursor, limit)
        return json_response(AuditPage(orders=tuple(map(audit_info, orders)), next=further))

    def _list(self) -> TokenList:
        now = self._store.now()
        return TokenList(tuple(token_info(token, now) for token in self._tokens.list()))

    def _create(self, origin: Origin, order: TokenOrder) -> CreatedToken:
        now = self._store.now()
        token = Token(
            name=order.name,
            role=order.role,
            targets=order.targets,
            created_at=now,
            created_by=order.by or origin.caller,
            expires_at=now + order.expires_in * 1000 if order.expires_in else 0,
        )
        with self._audit.order(origin, Verb.CREATE_TOKEN, token.name, order) as audited:
            text = self._tokens.create(token)
            if text is None:
                message = f"There is a token {token.name}: revoke it first, or choose another name"
                raise ErrorResponse(409, "token_exists", message)
            audited.outcome = "created"
        log.info("token created", name=token.name, role=str(token.role), targets=token.targets)
        return CreatedToken(**msgspec.structs.asdict(token_info(token, now)), token=text)

    def _revoke(self, origin: Origin, name: str, order: Order) -> RevokedToken:
        with self._audit.order(origin, Verb.REVOKE_TOKEN, name, order) as audited:
            if not self._tokens.revoke(name):
                message = f"There is no token {name!r}: `git-dispatcher token list` lists them"
                raise ErrorResponse(404, "unknown_token", message)
            audited.outcome = "revoked"
        log.info("token revoked", name=name)
        return RevokedToken(name=name)
