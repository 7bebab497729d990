"""`/livez` and `/readyz`: whether the process works, Redis accepts writes, and a watcher follows the
cluster."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response

from dispatcher import __version__
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.process import configuration_health, workers_health
from dispatcher.http.api.schemas.health import Alive, Ready
from dispatcher.http.authentication import ApiTokens
from dispatcher.http.background import Background
from dispatcher.http.connection.threads import Threads
from dispatcher.http.responses import json_response
from dispatcher.ledger import Processes, Reader, Store, WatcherHealth, check_writes

REDIS_TIMEOUT = 0.7
"""Time-out for Redis in seconds: a Kubernetes probe fails after one, and would take web out of service."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Seen:
    """The result of one check."""

    ledger: str
    cluster: str = "unknown"
    workers: str = "unknown"
    configuration: str = "unknown"


class Health:
    """Reports web as ready even without Redis: it must stay reachable to answer Git hosts with 503."""

    def __init__(self, store: Store, background: Background, tokens: ApiTokens) -> None:
        self._background, self._tokens = background, tokens
        self._store, self._reader = store, Reader(store)
        self._health, self._processes = WatcherHealth(store), Processes(store)
        self._threads = Threads(2)  # of its own: probes must not use up the API's
        self._last = ("ok", "ok")
        self._durability = ""

    async def live(self, _: Request) -> Response:
        return json_response(Alive(live=True))

    async def ready(self, request: Request) -> Response:
        seen = await self._seen()
        if (found := (seen.ledger, seen.cluster)) != self._last:
            say = log.info if found == ("ok", "ok") else log.warning
            say("readiness", ledger=seen.ledger, cluster=seen.cluster)
        self._last = found
        if not await self._is_known(request):
            return json_response(Ready(ready=True))
        return json_response(
            Ready(
                ready=True,
                version=__version__,
                ledger=seen.ledger,
                cluster=seen.cluster,
                workers=seen.workers,
                configuration=seen.configuration,
                web=self._web(),
                durability=self._durability,
            )
        )

    async def report(self) -> dict[str, str]:
        """Everything that was found, by part."""
        seen = await self._seen()
        return {
            "ledger": seen.ledger,
            "cluster": seen.cluster,
            "workers": seen.workers,
            "configuration": seen.configuration,
            "web": self._web(),
        }

    async def _is_known(self, request: Request) -> bool:
        try:
            return await self._tokens.caller(request.headers) is not None
        except LedgerUnavailable:
            return False

    async def _seen(self) -> Seen:
        """Checks Redis and cluster. The result must not contain addresses, names or library messages."""
        try:
            return await self._threads.run(REDIS_TIMEOUT, self._look)
        except TimeoutError:
            return Seen(f"unavailable: Redis did not answer within {REDIS_TIMEOUT} s")

    def _look(self) -> Seen:
        try:
            self._note(self._reader.durability())
            cluster, roll = self._cluster(), self._processes.roll()
        except LedgerUnavailable:
            return Seen("unavailable: Redis gave an unexpected answer")
        try:
            check_writes(self._store.client, self._store.keys.leader)
        except LedgerUnavailable:
            return Seen("unavailable: Redis answers, but refuses writes")
        return Seen("ok", cluster, workers_health(roll), configuration_health(roll))

    def _cluster(self) -> str:
        if not self._health.has_leader():
            return "unavailable: no watcher leads"
        if self._health.problems():
            return "unavailable: the watcher cannot reach the API server, or a part of it"
        return "ok"

    def _web(self) -> str:
        failing = ", ".join(self._background.failing)
        return (
            f"unavailable: background tasks failed and are retried: {failing}; see web's log"
            if failing
            else "ok"
        )

    def _note(self, durability: str) -> None:
        if durability != self._durability and "can be lost" in durability:
            log.warning("readiness", durability=durability)
        self._durability = durability
