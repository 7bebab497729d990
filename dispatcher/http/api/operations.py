"""`/api/v1`: what operators order: stop a deploy, let go of one, hold targets and let them go on."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.http.api import views
from dispatcher.http.api.requests import Order, Requests, unknown_deploy
from dispatcher.http.responses import Refusal, answer
from dispatcher.ledger import Ledger, Operations, Reader, Told, WakeUps, read_pauses

NOBODY = "somebody"
"""Who asks where the order doesn't say: in the ledger, nobody's order is none."""

log = structlog.get_logger()

REASONS = {
    Told.CANCELLED: "it was waiting, and is over",
    Told.STOPPING: "it is being stopped, and is over once its Job and Pods are gone",
    Told.RELEASED: "what is left of it in the cluster no longer holds its target up",
}


class Operating:
    """Endpoints. Every answer goes out after the wake-ups that it asks for are in the queue."""

    def __init__(self, requests: Requests, ledger: Ledger, wake_ups: WakeUps) -> None:
        self._requests, self._ledger, self._wake_ups = requests, ledger, wake_ups
        self._operations = Operations(ledger)
        self._reader = Reader(ledger.client, ledger.keys)

    def routes(self) -> list[Route]:
        target, post = "/targets/{target}", ["POST"]
        return [
            Route(f"{target}/deploys/{{number}}/cancel", self.cancel, methods=post),
            Route(f"{target}/deploys/{{number}}/release", self.release, methods=post),
            Route(f"{target}/pause", self.pause, methods=post),
            Route(f"{target}/resume", self.resume, methods=post),
            Route("/pause", self.pause, methods=post),
            Route("/resume", self.resume, methods=post),
        ]

    async def cancel(self, request: Request) -> Response:
        return await self._order(request, "cancel")

    async def release(self, request: Request) -> Response:
        return await self._order(request, "release")

    async def pause(self, request: Request) -> Response:
        return await self._switch(request, self._pause)

    async def resume(self, request: Request) -> Response:
        return await self._switch(request, self._resume)

    # One deploy

    async def _order(self, request: Request, verb: str) -> Response:
        target, number = await self._requests.deploy(request)
        order = await self._requests.order(request, Order)
        told = await to_thread.run_sync(self._tell, verb, target, number, order)
        return answer(told, 202)

    def _tell(self, verb: str, target: str, number: int, order: Order) -> views.OrderAnswer:
        tell = self._operations.cancel if verb == "cancel" else self._operations.release
        said = tell(target, number, order.by or NOBODY, order.reason)
        self._wake_ups.enqueue(said.wake_ups)
        deploy = f"{target}/{number}"
        log.info(verb, deploy=deploy, by=order.by, reason=order.reason, outcome=said.told)
        if said.told not in REASONS:
            raise self._refusal(said.told, target, number)
        return views.OrderAnswer(deploy=deploy, outcome=said.told, reason=REASONS[said.told])

    def _refusal(self, told: Told, target: str, number: int) -> Refusal:
        found = self._reader.deploy(target, number) if told is not Told.UNKNOWN else None
        if found is None:
            return unknown_deploy(target, number, self._reader.numbers(target))
        if told is Told.RUNNING:
            message = (
                f"{found.name} is {found.state} and was not told to stop: cancel it first. Release is "
                "for one that stops and whose Pods do not go"
            )
            return Refusal(409, "not_stopping", message)
        message = f"{found.name} is over already: {found.state}. What is over stays as it is"
        return Refusal(409, "already_over", message)

    # A target, or everything

    async def _switch(
        self, request: Request, switch: Callable[[str | None, Order], None]
    ) -> Response:
        named = "target" in request.path_params
        target = (await self._requests.target(request)).name if named else None
        order = await self._requests.order(request, Order)
        return answer(await to_thread.run_sync(self._switched, switch, target, order))

    def _switched(
        self, switch: Callable[[str | None, Order], None], target: str | None, order: Order
    ) -> views.PauseAnswer:
        switch(target, order)
        pauses = read_pauses(self._ledger, [target] if target else [])
        return views.PauseAnswer(target=target, paused=views.pause_info(pauses, target))

    def _pause(self, target: str | None, order: Order) -> None:
        self._operations.pause(target, order.by or NOBODY, order.reason)
        log.info("pause", target=target or "everything", by=order.by, reason=order.reason)

    def _resume(self, target: str | None, order: Order) -> None:
        self._wake_ups.enqueue(self._operations.resume(target))
        log.info("resume", target=target or "everything", by=order.by, reason=order.reason)
