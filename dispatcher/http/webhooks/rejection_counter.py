"""Counts rejected requests by hook and cause in memory, so that none costs a round trip to Redis.

The configuration bounds the number of keys: all names without a hook share one.
"""

from __future__ import annotations

from collections import Counter

import structlog
from anyio import CapacityLimiter, to_thread

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.http.live_config import LiveConfig
from dispatcher.ledger import SecretUsage

NEVER_TAKEN = frozenset({401, 429, 503})
"""Statuses of deliveries whose pushes were not taken, though the sender may have meant them."""
EVERY = 5.0
"""Seconds between two reports to the ledger."""

log = structlog.get_logger()


class RejectionCounter:
    """This process's counts that it has not reported to the ledger yet."""

    def __init__(self, live: LiveConfig, usage: SecretUsage) -> None:
        self._live, self._usage = live, usage
        self._counts: Counter[tuple[str, str]] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._thread = CapacityLimiter(1)  # of its own: those of the API may all wait for Redis

    def note(self, hook: str, cause: str) -> None:
        self._counts[self._known(hook), cause] += 1

    def note_refused(self, hook: str, status: int) -> None:
        """A delivery was answered so; those that say that its pushes were never taken are counted."""
        if status in NEVER_TAKEN:
            self._refused[self._known(hook), str(status)] += 1

    def _known(self, hook: str) -> str:
        return hook if hook in self._live.now.hooks else ""

    async def report(self) -> None:
        """Reports the counts. Raises LedgerUnavailable, and keeps the counts for the next report."""
        counts, self._counts = self._counts, Counter()
        refused, self._refused = self._refused, Counter()
        if not counts and not refused:
            return
        try:
            await to_thread.run_sync(self._usage.count, counts, refused, limiter=self._thread)
        except Exception:
            self._counts += counts
            self._refused += refused
            raise

    async def report_again(self) -> None:
        """Reports the counts; keeps them for the next report if Redis is unavailable."""
        try:
            await self.report()
        except LedgerUnavailable as error:
            log.debug("rejection counts not reported yet", why=str(error))
