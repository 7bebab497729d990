"""Rate-limits unauthenticated requests: past the limit they get 429 instead of 401.

Must never limit authenticated requests, however many failures came from the same address or to the same
hook: otherwise anyone could lock a Git host out.
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
"""Time-out for the ledger in seconds; after it the sender gets the 401."""
AT_ONCE = 4
"""Threads of its own, so that these requests do not use up others' threads."""

log = structlog.get_logger()


class RateLimiter:
    """Decides between 401 and 429 for a rejected request."""

    def __init__(self, failures: AuthFailures) -> None:
        self._failures = failures
        self._threads = Threads(AT_ONCE)

    async def answer(
        self, error: ErrorResponse, hook: str, sender: Address | None
    ) -> ErrorResponse:
        """Logs the rejection, throttled for a sender that keeps failing, and returns the error to send."""
        count = RateLimitResult() if error.status != 401 else await self._count(hook, sender)
        if not count.wait:
            log.warning(
                "delivery rejected", hook=shown(hook), cause=error.cause, address=str(sender)
            )
            return error
        if count.first:
            log.warning(
                "rate limit of rejected deliveries exceeded", hook=shown(hook), address=str(sender)
            )
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
            return RateLimitResult()  # a 503 would reveal the state of Redis to the sender


def _too_many(seconds: int) -> ErrorResponse:
    return ErrorResponse(
        429,
        "too_many_failures",
        "Too many unauthenticated deliveries. Authenticated ones are always accepted",
        {"Retry-After": str(seconds)},
    )


def shown(name: str) -> str:
    """Untrusted text, sanitized and shortened for a log line."""
    return "".join(char if char.isprintable() else "?" for char in name[:40])
