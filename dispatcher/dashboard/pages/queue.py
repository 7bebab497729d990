"""The queue: what waits, for what, since when, in the order of waiting."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.rendering import page
from dispatcher.dashboard.snapshots import Snapshots
from dispatcher.domain.deploy import Deploy, State
from dispatcher.http.permissions import caller_of, may_see
from dispatcher.ledger import Glance

MOST = 200
"""Waiting deploys that are shown."""


class QueuePage:
    """The page."""

    def __init__(self, snapshots: Snapshots, notices: Notices) -> None:
        self._snapshots, self._notices = snapshots, notices

    async def show(self, request: Request) -> Response:
        return await to_thread.run_sync(self._page, request)

    def _page(self, request: Request) -> Response:
        caller, snapshot = caller_of(request), self._snapshots.take()
        glances = [each for each in snapshot.glances if may_see(caller, each.name)]
        waiting = sorted(
            ((deploy, glance) for glance in glances for deploy in _waiting(glance)),
            key=lambda pair: since(pair[0]),
        )
        active = sum(1 for glance in glances for deploy in glance.open if deploy.active)
        return page(
            request,
            "queue.html",
            notices=self._notices.now(caller),
            waiting=[
                (deploy, since(deploy), why(deploy, glance)) for deploy, glance in waiting[:MOST]
            ],
            count=sum(glance.open_count for glance in glances) - active,
            active=active,
            json="/api/v1/targets",
            cli="git-dispatcher targets",
            newest=snapshot.newest,
        )


def since(deploy: Deploy) -> int:
    return deploy.wanted_at or deploy.created_at


def why(deploy: Deploy, glance: Glance) -> str:
    """What it waits for."""
    if glance.paused:
        return str(glance.paused)
    if deploy.why or glance.trouble:
        return deploy.why or glance.trouble
    active = next((each for each in glance.open if each.active), None)
    return f"{active.name} is {active.state}" if active else "a worker takes it up"


def _waiting(glance: Glance) -> list[Deploy]:
    return [deploy for deploy in glance.open if deploy.state is State.PENDING]
