"""`/api/v1`: pauses and resumes a target, or all targets."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.http.api.requests import Order, RequestParser
from dispatcher.http.api.schemas.pauses import PauseAnswer, pause_info
from dispatcher.http.responses import json_response
from dispatcher.ledger import Operations, Store, WakeUps, read_pauses

log = structlog.get_logger()


class Pausing:
    """The endpoints. A response goes out once its wake-ups are in the queue."""

    def __init__(self, parser: RequestParser, store: Store, wake_ups: WakeUps) -> None:
        self._parser, self._store, self._wake_ups = parser, store, wake_ups
        self._operations = Operations(store)

    async def pause(self, request: Request) -> Response:
        return await self._switch(request, self._pause)

    async def resume(self, request: Request) -> Response:
        return await self._switch(request, self._resume)

    async def _switch(
        self, request: Request, switch: Callable[[str | None, Order], None]
    ) -> Response:
        named = "target" in request.path_params
        target = (await self._parser.target(request)).name if named else None
        order = await self._parser.order(request, Order)
        return json_response(await to_thread.run_sync(self._switched, switch, target, order))

    def _switched(
        self, switch: Callable[[str | None, Order], None], target: str | None, order: Order
    ) -> PauseAnswer:
        switch(target, order)
        pauses = read_pauses(self._store, [target] if target else [])
        return PauseAnswer(target=target, paused=pause_info(pauses, target))

    def _pause(self, target: str | None, order: Order) -> None:
        self._operations.pause(target, order.asker, order.reason)
        log.info("pause", target=target or "everything", by=order.by, reason=order.reason)

    def _resume(self, target: str | None, order: Order) -> None:
        self._wake_ups.enqueue(self._operations.resume(target, order.asker))
        log.info("resume", target=target or "everything", by=order.by, reason=order.reason)
