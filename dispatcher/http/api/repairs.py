"""`/api/v1/repairs`: the log of repairs, and their counts."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.http.api.requests import page_limit
from dispatcher.http.api.schemas.repairs import RepairList, repair_info
from dispatcher.http.responses import json_response
from dispatcher.ledger import Repairs, Store

MOST = 100
"""Most repairs in one response."""


class RepairLog:
    """The endpoint. Redis calls run in threads."""

    def __init__(self, store: Store) -> None:
        self._repairs = Repairs(store)

    async def list(self, request: Request) -> Response:
        limit = page_limit(request, MOST, MOST)
        return json_response(await to_thread.run_sync(self._newest, limit))

    def _newest(self, limit: int) -> RepairList:
        counts = {str(kind): count for kind, count in self._repairs.counts().items()}
        newest = self._repairs.newest()[:limit]
        return RepairList(counts, tuple(map(repair_info, newest)))
