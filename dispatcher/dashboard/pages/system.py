"""The system: its processes, who leads, what cannot be followed, what Redis would lose, what was repaired."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.rendering import page
from dispatcher.http.api.processes import ProcessRoll
from dispatcher.http.permissions import caller_of
from dispatcher.ledger import Events, Reader, Repairs, Store, WatcherHealth, read_pauses

MOST_REPAIRS = 50


class SystemPage:
    """The page."""

    def __init__(self, processes: ProcessRoll, notices: Notices, store: Store) -> None:
        self._processes, self._notices, self._store = processes, notices, store
        self._events, self._reader, self._repairs = Events(store), Reader(store), Repairs(store)
        self._health = WatcherHealth(store)

    async def show(self, request: Request) -> Response:
        return await to_thread.run_sync(self._page, request)

    def _page(self, request: Request) -> Response:
        newest = self._events.newest()
        return page(
            request,
            "system.html",
            notices=self._notices.now(caller_of(request)),
            roll=self._processes.read(),
            leads=self._health.has_leader(),
            problems=self._health.problems(),
            durability=self._reader.durability(),
            paused=read_pauses(self._store, []).everything,
            counts={kind: count for kind, count in self._repairs.counts().items() if count},
            repairs=self._repairs.newest()[:MOST_REPAIRS],
            json="/api/v1/processes",
            cli="git-dispatcher system",
            newest=newest,
        )
