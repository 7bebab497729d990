"""`/api/v1`: what people and scripts ask and order. Every answer is one of `views`."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import msgspec
import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.config import Target
from dispatcher.http import views
from dispatcher.http.answers import Refusal, answer
from dispatcher.http.bodies import Bodies
from dispatcher.http.live import Live
from dispatcher.ledger import Ledger, Reader, WakeUps
from dispatcher.model import Deploy, Outcome

MOST = 100
"""Deploys in one answer; the ledger keeps no more of a target."""
LARGEST_BODY = 8 * 1024

log = structlog.get_logger()

REASONS = {
    Outcome.ACCEPTED: "its newest commit is deployed once more",
    Outcome.COALESCED: "this deploy was waiting already",
}


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a redeploy; all of it may be left out."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    by: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Api:
    """The API's endpoints. Redis is waited for in threads."""

    def __init__(self, live: Live, ledger: Ledger, wake_ups: WakeUps, bodies: Bodies) -> None:
        self._live, self._ledger = live, ledger
        self._wake_ups, self._bodies = wake_ups, bodies
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
        targets = self._live.now.targets
        found = await to_thread.run_sync(self._reader.targets, list(targets))
        infos = (views.target_info(targets[view.name], view) for view in found)
        return answer(views.TargetList(tuple(infos)))

    async def target(self, request: Request) -> Response:
        target = self._target(request)
        (view,) = await to_thread.run_sync(self._reader.targets, [target.name])
        return answer(views.target_info(target, view))

    async def deploys(self, request: Request) -> Response:
        target, limit = self._target(request), _limit(request)
        found = await to_thread.run_sync(self._reader.deploys, target.name)
        return answer(views.DeployList(tuple(map(views.deploy_info, found[:limit]))))

    async def deploy(self, request: Request) -> Response:
        target, number = self._target(request).name, request.path_params["number"]
        found: Deploy | None = None
        if number.isascii() and number.isdigit() and len(number) <= 15:
            found = await to_thread.run_sync(self._reader.deploy, target, int(number))
        if found is None:
            raise Refusal(
                404,
                "unknown_deploy",
                f"Target {target} has no such deploy, or not any more: "
                f"GET /api/v1/targets/{target}/deploys lists those that are kept",
            )
        return answer(views.deploy_detail(found))

    async def redeploy(self, request: Request) -> Response:
        target, key = self._target(request).name, _request_id(request)
        order = await self._order(request)
        return answer(await to_thread.run_sync(self._redeploy, target, key, order), 202)

    def _redeploy(self, target: str, key: str, order: Order) -> views.RedeployAnswer:
        made = self._ledger.redeploy(target, key, _line(order.by), _line(order.reason))
        if made.outcome is None:
            raise Refusal(
                409,
                "never_deployed",
                f"Target {target} was never deployed, so there is nothing to run again: push to it",
            )
        self._wake_ups.enqueue([made.wake_up] if made.wake_up else [])
        log.info(
            "redeploy", deploy=f"{target}/{made.number}", by=_line(order.by), outcome=made.outcome
        )
        return views.RedeployAnswer(
            target=target,
            deploy=f"{target}/{made.number}",
            outcome=made.outcome,
            reason=REASONS[made.outcome],
        )

    async def _order(self, request: Request) -> Order:
        message = f"The body is larger than {LARGEST_BODY} bytes: shorten the reason"
        too_large = Refusal(413, "body_too_large", message)
        async with self._bodies.of(request, LARGEST_BODY, too_large) as body:
            try:
                return msgspec.json.decode(body, type=Order) if body.strip() else Order()
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise Refusal(
                    400, "invalid_body", f"The body is not as expected: {error}"
                ) from None

    def _target(self, request: Request) -> Target:
        name = request.path_params["target"]
        if (target := self._live.now.targets.get(name)) is not None:
            return target
        raise Refusal(
            404,
            "unknown_target",
            f"There is no target {_line(name)[:60]!r}: GET /api/v1/targets lists those there are",
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


def _line(text: str) -> str:
    """What a person wrote, on one line and without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
