"""A target's page: what of it runs and waits, its deploys with what superseded what, its policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.phases import usual
from dispatcher.dashboard.rendering import page
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.spec import Policies
from dispatcher.http.api.requests import RequestParser
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.permissions import caller_of
from dispatcher.ledger import Events, Overview, Reader, Store, read_facts, read_pauses

SECONDS = frozenset(
    {"quiet_period", "quiet_max", "start_timeout", "clone_timeout", "stop_timeout", "timeout"}
    | {"keep_succeeded_for", "keep_failed_for"}
)
"""Policies that are durations."""


@dataclass(frozen=True)
class Line:
    """A deploy in the list, and the lines beside it from a superseded deploy to what superseded it."""

    deploy: Deploy
    up: bool
    """A line goes up from it: a newer one superseded it."""
    down: bool
    """A line comes to it from below: it superseded an older one."""
    through: bool
    """A line passes it."""


class TargetPage:
    """The page."""

    def __init__(
        self, parser: RequestParser, live: LiveConfig, notices: Notices, store: Store
    ) -> None:
        self._parser, self._live, self._notices, self._store = parser, live, notices, store
        self._reader, self._overview, self._events = Reader(store), Overview(store), Events(store)

    async def show(self, request: Request) -> Response:
        name = await self._parser.history(request)
        return await to_thread.run_sync(self._page, request, name)

    def _page(self, request: Request, name: str) -> Response:
        newest = self._events.newest()
        deploys, facts = self._reader.deploys(name), read_facts(self._store, name)
        pauses = read_pauses(self._store, [name])
        (recent,) = self._overview.recent([name])
        policies = facts.spec.policies if facts.spec else None
        return page(
            request,
            "target.html",
            notices=self._notices.now(caller_of(request)),
            name=name,
            target=self._live.now.targets.get(name),
            facts=facts,
            paused=pauses.targets.get(name),
            open=[deploy for deploy in reversed(deploys) if not deploy.terminal],
            lines=lines(deploys),
            good=last_good(deploys),
            policies=_policies(policies) if policies else [],
            usual=usual(recent),
            json=f"/api/v1/targets/{name}/deploys",
            cli=f"git-dispatcher deploys {name}",
            newest=newest,
            topic=name,
        )


def lines(deploys: Sequence[Deploy]) -> list[Line]:
    """`deploys` are newest first."""
    spans = [(each.number, each.superseded_by) for each in deploys if each.superseded_by]
    heads = {by for _, by in spans}
    return [
        Line(
            each,
            bool(each.superseded_by),
            each.number in heads,
            any(old < each.number < new for old, new in spans),
        )
        for each in deploys
    ]


def last_good(deploys: Sequence[Deploy]) -> Deploy | None:
    """The newest that succeeded, where what ended last did not: what one could go back to."""
    over = [each for each in deploys if each.terminal]
    if not over or over[0].state is State.SUCCEEDED:
        return None
    return next((each for each in over if each.state is State.SUCCEEDED), None)


def _policies(policies: Policies) -> list[tuple[str, Any, bool]]:
    """Name, value, and whether it is a duration in seconds."""
    return [
        (name, value, name in SECONDS) for name, value in msgspec.structs.asdict(policies).items()
    ]
