"""`/api/v1`: pauses and resumes a target, or all targets."""

from __future__ import annotations

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.access import Verb
from dispatcher.http.api.audited import AuditLog, Origin
from dispatcher.http.api.requests import Order, RequestParser
from dispatcher.http.api.schemas.pauses import PauseAnswer
from dispatcher.http.api.serializers.pauses import pause_info
from dispatcher.http.responses import json_response
from dispatcher.ledger import Operations, Store, WakeUps, read_pauses

log = structlog.get_logger()


class Pausing:
    """The endpoints. A response goes out once its wake-ups are in the queue."""

    def __init__(
        self, parser: RequestParser, store: Store, wake_ups: WakeUps, audit: AuditLog
    ) -> None:
        self._parser, self._store, self._wake_ups, self._audit = parser, store, wake_ups, audit
        self._operations = Operations(store)

    async def pause(self, request: Request) -> Response:
        return await self._switch(request, Verb.PAUSE)

    async def resume(self, request: Request) -> Response:
        return await self._switch(request, Verb.RESUME)

    async def _switch(self, request: Request, verb: Verb) -> Response:
        named = "target" in request.path_params
        target = (await self._parser.target(request)).name if named else None
        order = await self._parser.order(request, Order)
        origin = Origin.of(request)
        return json_response(await to_thread.run_sync(self.ordered, origin, verb, target, order))

    def ordered(self, origin: Origin, verb: Verb, target: str | None, order: Order) -> PauseAnswer:
        """Pauses or resumes the target, or with None everything, audited."""
        with self._audit.order(origin, verb, target or "", order):
            (self._pause if verb is Verb.PAUSE else self._resume)(target, order)
        pauses = read_pauses(self._store, [target] if target else [])
        return PauseAnswer(target=target, paused=pause_info(pauses, target))

    def _pause(self, target: str | None, order: Order) -> None:
        self._operations.pause(target, order.asker, order.reason)
        log.info("pause", target=target or "everything", by=order.by, reason=order.reason)

    def _resume(self, target: str | None, order: Order) -> None:
        self._wake_ups.enqueue(self._operations.resume(target, order.asker))
        log.info("resume", target=target or "everything", by=order.by, reason=order.reason)
