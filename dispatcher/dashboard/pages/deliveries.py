"""Deliveries: what came, and of one what each target made of it then and makes of it now."""

from __future__ import annotations

from dataclasses import dataclass

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.rendering import page
from dispatcher.domain.deploy import State
from dispatcher.http.api.deliveries import Deliveries
from dispatcher.http.api.schemas.deliveries import DeliveryDetail, ResultInfo
from dispatcher.http.api.serializers.deliveries import delivery_info
from dispatcher.http.permissions import caller_of
from dispatcher.ledger import DeliveryLog, Events, Store
from dispatcher.matching.evaluation import Explanation

PER_PAGE = 50


@dataclass(frozen=True)
class Comparison:
    """What one target made of one ref: then, and by the configuration of now."""

    target: str
    ref: str
    then: ResultInfo | None
    state: State | None
    now: Explanation | None


class DeliveriesPage:
    """The pages."""

    def __init__(self, deliveries: Deliveries, notices: Notices, store: Store) -> None:
        self._deliveries, self._notices = deliveries, notices
        self._log, self._events = DeliveryLog(store), Events(store)

    async def list(self, request: Request) -> Response:
        return await to_thread.run_sync(self._list, request)

    async def show(self, request: Request) -> Response:
        return await to_thread.run_sync(self._show, request)

    def _list(self, request: Request) -> Response:
        text = request.query_params.get("page", "1")
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 1
        number, newest = max(1, number), self._events.newest()
        found = self._log.newest(PER_PAGE + 1, (number - 1) * PER_PAGE)
        return page(
            request,
            "deliveries.html",
            notices=self._notices.now(caller_of(request)),
            deliveries=[(delivery_info(each), each.at) for each in found[:PER_PAGE]],
            number=number,
            more=len(found) > PER_PAGE,
            json="/api/v1/deliveries",
            cli="git-dispatcher deliveries",
            newest=newest,
        )

    def _show(self, request: Request) -> Response:
        newest = self._events.newest()
        found = self._deliveries.look(request.path_params["id"])
        return page(
            request,
            "delivery.html",
            notices=self._notices.now(caller_of(request)),
            delivery=found,
            compared=compared(found),
            json=f"/api/v1/deliveries/{found.id}",
            cli=f"git-dispatcher deliveries {found.id}",
            newest=newest,
        )


def compared(found: DeliveryDetail) -> list[Comparison]:
    """In the order of then; what only counts now comes last."""
    then = {(each.target, each.ref): each for each in found.results}
    now = {(each.target, each.ref): each for each in found.explanations if each.target}
    return [
        Comparison(
            target,
            ref,
            was := then.get((target, ref)),
            found.states.get(was.deploy or "") if was else None,
            now.get((target, ref)),
        )
        for target, ref in dict.fromkeys([*then, *now])
    ]
