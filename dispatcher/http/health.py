"""`/livez` and `/readyz`: whether the process works, and whether its ledger answers."""

from __future__ import annotations

import anyio
import msgspec
import structlog
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher import __version__
from dispatcher.errors import LedgerUnavailable
from dispatcher.http.answers import answer
from dispatcher.ledger import Reader

PATIENCE = 0.7
"""Seconds for Redis: a probe of Kubernetes gives up after one, and would take web out of service."""

log = structlog.get_logger()


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    ready: bool
    version: str
    ledger: str
    """"ok", or "unavailable: …"."""
    durability: str = ""
    """What the ledger loses if its host is lost; "" if nobody knows."""


class Health:
    """Ready also without Redis: web has to be there to tell Git hosts 503, so that they know."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._threads = CapacityLimiter(2)  # of its own: probes must not use up the API's
        self._last = "ok"
        self._durability = ""

    async def live(self, _: Request) -> Response:
        return answer({"live": True})

    async def ready(self, _: Request) -> Response:
        ledger = await self._ledger()
        if ledger != self._last:
            log.warning("readiness", ledger=ledger)
        self._last = ledger
        ready = Ready(ready=True, version=__version__, ledger=ledger, durability=self._durability)
        return answer(ready)

    async def _ledger(self) -> str:
        """Without the address: the question is asked by strangers too."""
        with anyio.move_on_after(PATIENCE):
            try:
                durability = await to_thread.run_sync(
                    self._reader.durability, limiter=self._threads, abandon_on_cancel=True
                )
            except LedgerUnavailable:
                return "unavailable: Redis did not answer as it should"
            self._note(durability)
            return "ok"
        return f"unavailable: Redis did not answer within {PATIENCE} s"

    def _note(self, durability: str) -> None:
        if durability != self._durability and "can be lost" in durability:
            log.warning("readiness", durability=durability)
        self._durability = durability
