"""`/api/v1`: what people and scripts ask, and the redeploy. Every answer is one of `views`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.config import Target
from dispatcher.http import views
from dispatcher.http.answers import Refusal, answer
from dispatcher.http.requests import Order, Requests, unknown_deploy
from dispatcher.ledger import Ledger, Reader, WakeUps, read_pauses
from dispatcher.model import Outcome

MOST = 100
"""Deploys in one answer; the ledger keeps no more of a target."""

log = structlog.get_logger()

REASONS = {
    Outcome.ACCEPTED: "its newest commit is deployed once more",
    Outcome.COALESCED: "this deploy was waiting already",
}


class Api:
    """The API's endpoints. Redis is waited for in threads."""

    def __init__(self, requests: Requests, ledger: Ledger, wake_ups: WakeUps) -> None:
        self._requests, self._ledger, self._wake_ups = requests, ledger, wake_ups
        self._reader = Reader(ledger.client, ledger.keys)

    def routes(self) -> list[Route]:
        target = "/targets/{target}"
        return [
            Route("/targets", self.targets),
            Route(target, self.target),
            Route(f"{target}/deploys", self.deploys),
            Route(f"{target}/deploys/{{number}}", self.deploy),
            Route(f"{target}/redeploy", self.redeploy, methods=["POST"]),
        ]

    async def targets(self, _: Request) -> Response:
        targets = list(self._requests.targets().values())
        return answer(views.TargetList(await to_thread.run_sync(self._look, targets)))

    async def target(self, request: Request) -> Response:
        target = self._requests.target(request)
        (info,) = await to_thread.run_sync(self._look, [target])
        return answer(info)

    def _look(self, targets: Sequence[Target]) -> tuple[views.TargetInfo, ...]:
        names = [target.name for target in targets]
        found, pauses = self._reader.targets(names), read_pauses(self._ledger, names)
        return tuple(
            views.target_info(target, view, views.pause_info(pauses, target.name))
            for target, view in zip(targets, found, strict=True)
        )

    async def deploys(self, request: Request) -> Response:
        target, limit = self._requests.target(request), _limit(request)
        found = await to_thread.run_sync(self._reader.deploys, target.name)
        return answer(views.DeployList(tuple(map(views.deploy_info, found[:limit]))))

    async def deploy(self, request: Request) -> Response:
        target, number = self._requests.deploy(request)
        found = await to_thread.run_sync(self._reader.deploy, target, number)
        if found is None:
            raise unknown_deploy(target)
        return answer(views.deploy_detail(found))

    async def redeploy(self, request: Request) -> Response:
        target, key = self._requests.target(request).name, _request_id(request)
        order = await self._requests.order(request)
        return answer(await to_thread.run_sync(self._redeploy, target, key, order), 202)

    def _redeploy(self, target: str, key: str, order: Order) -> views.RedeployAnswer:
        made = self._ledger.redeploy(target, key, order.by, order.reason)
        if made.outcome is None:
            raise Refusal(
                409,
                "never_deployed",
                f"Target {target} was never deployed, so there is nothing to run again: push to it",
            )
        self._wake_ups.enqueue([made.wake_up] if made.wake_up else [])
        log.info("redeploy", deploy=f"{target}/{made.number}", by=order.by, outcome=made.outcome)
        return views.RedeployAnswer(
            target=target,
            deploy=f"{target}/{made.number}",
            outcome=made.outcome,
            reason=REASONS[made.outcome],
        )


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(MOST))
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST:
        return int(text)
    raise Refusal(400, "invalid_limit", f"limit must be a number between 1 and {MOST}")


def _request_id(request: Request) -> str:
    """https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"""
    sent = request.headers.getlist("idempotency-key")
    if not sent:
        return str(uuid4())
    if len(sent) > 1 or not 1 <= len(sent[0]) <= 256 or not sent[0].isascii():
        remedy = "Idempotency-Key must be sent once, with 1 to 256 ASCII characters"
        raise Refusal(400, "invalid_idempotency_key", remedy)
    return sent[0]
