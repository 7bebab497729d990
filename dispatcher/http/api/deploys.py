"""`/api/v1/targets/{target}/deploys`: lists, shows, cancels and releases a target's deploys."""

from __future__ import annotations

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.access import Verb
from dispatcher.domain.outcome import StopResult
from dispatcher.http.api.audited import AuditLog, Origin
from dispatcher.http.api.requests import (
    Order,
    RequestParser,
    deploy_number,
    page_limit,
    unknown_deploy,
)
from dispatcher.http.api.schemas.deploys import DeployList, OrderAnswer, deploy_info
from dispatcher.http.api.serializers.deploys import deploy_detail
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.responses import ErrorResponse, json_response
from dispatcher.ledger import Operations, Reader, Store, WakeUps

MOST = 100
"""Most deploys in one response; the ledger keeps no more of a target."""

log = structlog.get_logger()

REASONS = {
    StopResult.CANCELLED: "it was waiting and is now cancelled",
    StopResult.STOPPING: "it is stopping, and is cancelled once its Job and Pods are gone",
    StopResult.RELEASED: "its target goes on; what is left of it in the cluster no longer counts",
}


class Deploys:
    """The endpoints. Redis calls run in threads. A response to an order goes out once its wake-ups are in
    the queue."""

    def __init__(
        self,
        live: LiveConfig,
        parser: RequestParser,
        store: Store,
        wake_ups: WakeUps,
        audit: AuditLog,
    ) -> None:
        self._live, self._parser, self._wake_ups, self._audit = live, parser, wake_ups, audit
        self._operations = Operations(store)
        self._reader = Reader(store)

    async def list(self, request: Request) -> Response:
        target, limit = await self._parser.history(request), page_limit(request, MOST, MOST)
        found = await to_thread.run_sync(self._reader.deploys, target)
        return json_response(DeployList(tuple(map(deploy_info, found[:limit]))))

    async def show(self, request: Request) -> Response:
        target = await self._parser.history(request)
        number = deploy_number(request, target)
        found = await to_thread.run_sync(self._reader.whole, target, number)
        if found is None:
            kept = await to_thread.run_sync(self._reader.numbers, target)
            raise unknown_deploy(target, number, kept)
        return json_response(deploy_detail(found, self._live.now.logs))

    async def cancel(self, request: Request) -> Response:
        return await self._order(request, Verb.CANCEL)

    async def release(self, request: Request) -> Response:
        return await self._order(request, Verb.RELEASE)

    async def _order(self, request: Request, verb: Verb) -> Response:
        target, number = await self._parser.deploy(request)
        order = await self._parser.order(request, Order)
        origin, deploy = Origin.of(request), (target, number)
        answer = await to_thread.run_sync(self.ordered, origin, verb, deploy, order)
        return json_response(answer, 202)

    def ordered(
        self, origin: Origin, verb: Verb, deploy: tuple[str, int], order: Order
    ) -> OrderAnswer:
        """Cancels or releases the deploy, audited. Raises ErrorResponse."""
        target, number = deploy
        with self._audit.order(origin, verb, f"{target}/{number}", order) as audited:
            answer = self._carry_out(verb, target, number, order)
            audited.outcome = answer.outcome
        return answer

    def _carry_out(self, verb: Verb, target: str, number: int, order: Order) -> OrderAnswer:
        operation = self._operations.cancel if verb is Verb.CANCEL else self._operations.release
        stopped = operation(target, number, order.asker, order.reason)
        self._wake_ups.enqueue(stopped.wake_ups)
        deploy = f"{target}/{number}"
        log.info(str(verb), deploy=deploy, by=order.by, reason=order.reason, outcome=stopped.result)
        if stopped.result not in REASONS:
            raise self._error(stopped.result, target, number)
        return OrderAnswer(deploy=deploy, outcome=stopped.result, reason=REASONS[stopped.result])

    def _error(self, result: StopResult, target: str, number: int) -> ErrorResponse:
        found = self._reader.deploy(target, number) if result is not StopResult.UNKNOWN else None
        if found is None:
            return unknown_deploy(target, number, self._reader.numbers(target))
        if result is StopResult.RUNNING:
            message = (
                f"{found.name} is {found.state} and is not stopping: cancel it first. Release is "
                "for a deploy that is stopping and whose Pods do not go away"
            )
            return ErrorResponse(409, "not_stopping", message)
        message = (
            f"{found.name} has already ended: {found.state}. A deploy that ended cannot be changed"
        )
        return ErrorResponse(409, "already_over", message)
