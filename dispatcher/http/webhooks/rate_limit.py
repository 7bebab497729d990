"""Requests that are not authenticated: after some of them, 429 takes the place of 401.

Only they get it. What is authenticated is taken, however many failures came from the same address or to
the same hook before, so that nobody can lock a Git host out.
"""

from __future__ import annotations

import math
from functools import partial

import structlog

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.http.client_address import Address, group
from dispatcher.http.connection.threads import Threads
from dispatcher.http.responses import ErrorResponse
from dispatcher.ledger import AuthFailures, RateLimitResult

COUNT_WITHIN = 0.5
"""Seconds for the ledger; without an answer the sender gets the 401."""
AT_ONCE = 4
"""Threads: these requests must not use up those that others need."""

log = structlog.get_logger()


class Limiter:
    """Knows what the sender of a rejected request is told."""

    def __init__(self, failures: AuthFailures) -> None:
        self._failures = failures
        self._threads = Threads(AT_ONCE)

    async def answer(
        self, error: ErrorResponse, hook: str, sender: Address | None
    ) -> ErrorResponse:
        """What the error becomes, having written it to the log: once, where a sender goes on and on."""
        count = RateLimitResult() if error.status != 401 else await self._count(hook, sender)
        if not count.wait:
            log.warning(
                "delivery rejected", hook=shown(hook), cause=error.cause, address=str(sender)
            )
            return error
        if count.first:
            log.warning("deliveries rejected: too many", hook=shown(hook), address=str(sender))
        return _too_many(math.ceil(count.wait / 1000))

    async def _count(self, hook: str, sender: Address | None) -> RateLimitResult:
        if not self._failures.limits.bounded:
            return RateLimitResult()
        origin = group(sender) if sender else "unknown"
        try:
            return await self._threads.run(COUNT_WITHIN, partial(self._counted, origin, hook))
        except TimeoutError:
            return RateLimitResult()

    def _counted(self, origin: str, hook: str) -> RateLimitResult:
        try:
            return self._failures.count(origin, hook)
        except LedgerUnavailable:
            return RateLimitResult()  # a 503 would tell the sender something


def _too_many(seconds: int) -> ErrorResponse:
    return ErrorResponse(
        429,
        "too_many_failures",
        "Too many deliveries came that are not authenticated. One that is, is taken at any time",
        {"Retry-After": str(seconds)},
    )


def shown(name: str) -> str:
    """What anybody may have sent, fit for a line of the log."""
    return "".join(char if char.isprintable() else "?" for char in name[:40])
