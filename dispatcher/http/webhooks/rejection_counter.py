"""Counts the requests that were not authenticated, by hook and reason. None costs a round trip, or is stored.

How many keys there are is bounded by the configuration: all names that no hook has are counted as one.
"""

from __future__ import annotations

from collections import Counter

import structlog
from anyio import CapacityLimiter, to_thread

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.http.live_config import LiveConfig
from dispatcher.ledger import SecretUsage

EVERY = 5.0
"""Seconds between two reports to the ledger."""

log = structlog.get_logger()


class RejectionCounter:
    """Of this process, until the ledger has been told."""

    def __init__(self, live: LiveConfig, usage: SecretUsage) -> None:
        self._live, self._usage = live, usage
        self._counts: Counter[tuple[str, str]] = Counter()
        self._thread = CapacityLimiter(1)  # of its own: those of the API may all wait for Redis

    def note(self, hook: str, cause: str) -> None:
        self._counts[hook if hook in self._live.now.hooks else "", cause] += 1

    async def report(self) -> None:
        """Tells the ledger. Raises LedgerUnavailable; the counts are there for the next time then."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await to_thread.run_sync(self._usage.count, counts, limiter=self._thread)
        except Exception:
            self._counts += counts
            raise

    async def report_again(self) -> None:
        """Tells the ledger now, or the next time."""
        try:
            await self.report()
        except LedgerUnavailable as error:
            log.debug("rejections not counted yet", why=str(error))
