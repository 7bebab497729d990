"""Operations: API tokens and the audit log."""

from __future__ import annotations

from dispatcher.domain.access import Role
from dispatcher.http.api import access
from dispatcher.http.api.access import TokenOrder
from dispatcher.http.api.requests import Order
from dispatcher.http.api.schemas.access import AuditPage, CreatedToken, RevokedToken, TokenList
from dispatcher.http.openapi.operation import Operation, codes
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import CURSOR, LIMIT, NEXT_PAGE, limit

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/tokens",
        handler=lambda at: at.access.list_tokens,
        summary="API tokens",
        responses={200: TokenList},
        role=Role.ADMIN,
        everything=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/tokens",
        handler=lambda at: at.access.create_token,
        summary="Create an API token",
        responses={201: CreatedToken},
        own_errors=codes("409 token_exists"),
        body=TokenOrder,
        role=Role.ADMIN,
        everything=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/tokens/{name}/revoke",
        handler=lambda at: at.access.revoke_token,
        summary="Revoke an API token",
        responses={200: RevokedToken},
        own_errors=codes("404 unknown_token"),
        body=Order,
        role=Role.ADMIN,
        everything=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/audit",
        handler=lambda at: at.access.audit,
        summary="Orders and what came of them, newest first",
        responses={200: AuditPage},
        own_errors=LIMIT | CURSOR,
        parameters=(limit(access.MOST, access.USUAL), NEXT_PAGE),
        role=Role.ADMIN,
        everything=True,
    ),
)
