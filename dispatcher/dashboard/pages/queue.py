"""The queue: what waits, for what, since when, those that wait longest first."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.rendering import page
from dispatcher.domain.waiting import WaitsFor
from dispatcher.http.api.queue import WaitingDeploys
from dispatcher.http.permissions import caller_of, may_see
from dispatcher.ledger import Events, Store

MOST = 200
"""Waiting deploys that are shown."""


class QueuePage:
    """The page."""

    def __init__(self, waiting: WaitingDeploys, notices: Notices, store: Store) -> None:
        self._waiting, self._notices, self._events = waiting, notices, Events(store)

    async def show(self, request: Request) -> Response:
        return await to_thread.run_sync(self._page, request)

    def _page(self, request: Request) -> Response:
        caller, newest = caller_of(request), self._events.newest()
        found = self._waiting.read(
            lambda name: may_see(caller, name), frozenset(WaitsFor), cursor="", limit=MOST
        )
        return page(
            request,
            "queue.html",
            notices=self._notices.now(caller),
            waiting=found.deploys,
            total=found.total,
            json="/api/v1/queue",
            cli="git-dispatcher queue",
            newest=newest,
        )
