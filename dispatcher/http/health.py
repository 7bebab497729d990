"""`/livez` and `/readyz`: whether the process works, its ledger takes what is written to it, and a watcher
can follow the cluster."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from dispatcher import __version__
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.http.authentication import ApiTokens
from dispatcher.http.background import Background
from dispatcher.http.connection.threads import Threads
from dispatcher.http.responses import json_response
from dispatcher.ledger import Reader, Store, WatcherHealth, check_writes

REDIS_TIMEOUT = 0.7
"""Seconds for Redis: a probe of Kubernetes gives up after one, and would take web out of service."""

log = structlog.get_logger()


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    live: bool


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What is more than `ready` is for whoever has an API token."""

    ready: bool
    version: str | msgspec.UnsetType = msgspec.UNSET
    ledger: str | msgspec.UnsetType = msgspec.UNSET
    """"ok", or "unavailable: …"."""
    cluster: str | msgspec.UnsetType = msgspec.UNSET
    """The same of the cluster, as the leading watcher sees it; "unknown" without the ledger."""
    web: str | msgspec.UnsetType = msgspec.UNSET
    """The same of what web does beside answering."""
    durability: str | msgspec.UnsetType = msgspec.UNSET
    """What the ledger loses if its host is lost; "" if nobody knows."""


@dataclass(frozen=True)
class Seen:
    """What was found at one look."""

    ledger: str
    cluster: str = "unknown"


class Health:
    """Ready also without Redis: web has to be there to tell Git hosts 503, so that they know."""

    def __init__(self, store: Store, background: Background, tokens: ApiTokens) -> None:
        self._background, self._tokens = background, tokens
        self._store, self._reader = store, Reader(store)
        self._health = WatcherHealth(store)
        self._threads = Threads(2)  # of its own: probes must not use up the API's
        self._last = Seen("ok", "ok")
        self._durability = ""

    async def live(self, _: Request) -> Response:
        return json_response(Alive(live=True))

    async def ready(self, request: Request) -> Response:
        seen = await self._seen()
        if seen != self._last:
            say = log.info if seen == Seen("ok", "ok") else log.warning
            say("readiness", ledger=seen.ledger, cluster=seen.cluster)
        self._last = seen
        if not self._tokens.holder(request.headers):
            return json_response(Ready(ready=True))
        return json_response(
            Ready(
                ready=True,
                version=__version__,
                ledger=seen.ledger,
                cluster=seen.cluster,
                web=self._web(),
                durability=self._durability,
            )
        )

    async def _seen(self) -> Seen:
        """Without addresses, names and the words of others."""
        try:
            return await self._threads.run(REDIS_TIMEOUT, self._look)
        except TimeoutError:
            return Seen(f"unavailable: Redis did not answer within {REDIS_TIMEOUT} s")

    def _look(self) -> Seen:
        try:
            self._note(self._reader.durability())
            cluster = self._cluster()
        except LedgerUnavailable:
            return Seen("unavailable: Redis did not answer as it should")
        try:
            check_writes(self._store.client, self._store.keys.leader)
        except LedgerUnavailable:
            return Seen("unavailable: Redis answers, and refuses what is written to it")
        return Seen("ok", cluster)

    def _cluster(self) -> str:
        if not self._health.has_leader():
            return "unavailable: no watcher leads"
        if self._health.problems():
            return "unavailable: the watcher is cut off from the API server, or from a part of it"
        return "ok"

    def _web(self) -> str:
        failing = ", ".join(self._background.failing)
        return f"unavailable: failed, and tried again: {failing}; see its log" if failing else "ok"

    def _note(self, durability: str) -> None:
        if durability != self._durability and "can be lost" in durability:
            log.warning("readiness", durability=durability)
        self._durability = durability
