"""The audit log: who ordered what, and what came of it."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.rendering import page
from dispatcher.http.api.access import CURSOR
from dispatcher.ledger import Audit, Store

PER_PAGE = 50


class AuditPage:
    """The page."""

    def __init__(self, store: Store) -> None:
        self._audit = Audit(store)

    async def show(self, request: Request) -> Response:
        cursor = request.query_params.get("cursor", "")
        cursor = cursor if CURSOR.fullmatch(cursor) else ""
        orders, further = await to_thread.run_sync(self._audit.orders, cursor, PER_PAGE)
        return page(
            request,
            "audit.html",
            orders=orders,
            cursor=cursor,
            further=further,
            json="/api/v1/audit",
            cli="git-dispatcher audit",
        )
