"""How many requests were not authenticated, counted for all web processes together.

An authenticated delivery costs nothing here, and is never held up by others.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.ledger.store import Store


@dataclass(frozen=True)
class RateLimits:
    """Most failures in a window (`Retention.auth_failures`); 0 for no limit."""

    per_address: int
    per_hook: int

    @property
    def bounded(self) -> bool:
        return self.per_address > 0 or self.per_hook > 0


@dataclass(frozen=True)
class RateLimitResult:
    """The result of counting one more failure."""

    wait: int = 0
    """Milliseconds until the window of an exceeded limit ends; 0 if no limit is exceeded."""
    first: bool = False
    """Whether this failure is the first beyond the limit."""


class AuthFailures:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store, limits: RateLimits) -> None:
        self.store, self.limits = store, limits

    def count(self, address: str, hook: str) -> RateLimitResult:
        """Counts a failure. `hook` is the name that was asked for, whether or not such a hook exists."""
        keys = self.store.keys.auth_failures_from(address), self.store.keys.auth_failures_at(hook)
        window, most = self.store.retention.auth_failures, self.limits
        reply = self.store.scripts.run("fail", keys, (window, most.per_address, most.per_hook))
        return RateLimitResult(reply[0], reply[1] == 1)
