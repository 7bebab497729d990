"""`/api/v1`: what people and scripts ask. Reads only; every answer is one of `views`."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.config import Target
from dispatcher.http.api import views
from dispatcher.http.api.requests import Requests, deploy_number, unknown_deploy
from dispatcher.http.responses import Refusal, answer
from dispatcher.ledger import Ledger, Reader, Repairs, read_pauses

MOST = 100
"""Deploys in one answer; the ledger keeps no more of a target."""


class Api:
    """The API's endpoints. Redis is waited for in threads."""

    def __init__(self, requests: Requests, ledger: Ledger) -> None:
        self._requests, self._ledger = requests, ledger
        self._reader = Reader(ledger.client, ledger.keys)

    def routes(self) -> list[Route]:
        target = "/targets/{target}"
        return [
            Route("/targets", self.targets),
            Route(target, self.target),
            Route(f"{target}/deploys", self.deploys),
            Route(f"{target}/deploys/{{number}}", self.deploy),
            Route("/repairs", self.repairs),
        ]

    async def targets(self, _: Request) -> Response:
        targets = list(self._requests.targets().values())
        return answer(views.TargetList(await to_thread.run_sync(self._look, targets)))

    async def target(self, request: Request) -> Response:
        target = await self._requests.target(request)
        (info,) = await to_thread.run_sync(self._look, [target])
        return answer(info)

    def _look(self, targets: Sequence[Target]) -> tuple[views.TargetInfo, ...]:
        names = [target.name for target in targets]
        found, pauses = self._reader.targets(names), read_pauses(self._ledger, names)
        return tuple(
            views.target_info(target, view, views.pause_info(pauses, target.name))
            for target, view in zip(targets, found, strict=True)
        )

    async def repairs(self, request: Request) -> Response:
        limit = _limit(request)
        return answer(await to_thread.run_sync(self._repairs, limit))

    def _repairs(self, limit: int) -> views.RepairList:
        repairs = Repairs(self._ledger)
        counts = {str(kind): count for kind, count in repairs.counts().items()}
        return views.RepairList(counts, tuple(map(views.repair_info, repairs.newest()[:limit])))

    async def deploys(self, request: Request) -> Response:
        target, limit = await self._requests.history(request), _limit(request)
        found = await to_thread.run_sync(self._reader.deploys, target)
        return answer(views.DeployList(tuple(map(views.deploy_info, found[:limit]))))

    async def deploy(self, request: Request) -> Response:
        target = await self._requests.history(request)
        number = deploy_number(request, target)
        found = await to_thread.run_sync(self._reader.deploy, target, number)
        if found is None:
            kept = await to_thread.run_sync(self._reader.numbers, target)
            raise unknown_deploy(target, number, kept)
        return answer(views.deploy_detail(found))


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(MOST))
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST:
        return int(text)
    raise Refusal(400, "invalid_limit", f"limit must be a number between 1 and {MOST}")
