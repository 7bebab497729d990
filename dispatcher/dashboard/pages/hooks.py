"""Hooks: when each secret was last used, and how many requests were not authenticated."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.rendering import page
from dispatcher.http.api.hooks import ConfiguredHooks
from dispatcher.http.permissions import caller_of
from dispatcher.ledger import Events, Store


class HooksPage:
    """The page."""

    def __init__(self, hooks: ConfiguredHooks, notices: Notices, store: Store) -> None:
        self._hooks, self._notices, self._events = hooks, notices, Events(store)

    async def show(self, request: Request) -> Response:
        found = await self._hooks.look()
        newest = await to_thread.run_sync(self._events.newest)
        quiet = await to_thread.run_sync(self._notices.quiet_hooks)
        return page(
            request,
            "hooks.html",
            notices=await to_thread.run_sync(self._notices.now, caller_of(request)),
            hooks=found.hooks,
            unknown=found.unknown,
            quiet={each.subject.removeprefix("hook ") for each in quiet},
            json="/api/v1/hooks",
            cli="git-dispatcher hooks",
            newest=newest,
        )
