"""How often deliveries came without proof of origin, counted for all web processes together.

Counted are refusals only: a delivery that is proved costs nothing here, and is never held up by others.
"""

from __future__ import annotations

from dataclasses import dataclass

import redis

from dispatcher.ledger.keys import Keys
from dispatcher.ledger.retention import Limits
from dispatcher.ledger.scripts import Scripts


@dataclass(frozen=True)
class Allowance:
    """Failures in a window (`Limits.failures`); 0 is any number."""

    per_address: int
    per_hook: int

    @property
    def bounded(self) -> bool:
        return self.per_address > 0 or self.per_hook > 0


@dataclass(frozen=True)
class Count:
    """What came of counting one more."""

    wait: int = 0
    """Milliseconds until a limit that was reached is open again; 0 if none was."""
    first: bool = False
    """It is the first beyond the limit."""


class Failures:
    """Raises LedgerUnavailable."""

    def __init__(
        self, client: redis.Redis, keys: Keys, limits: Limits, allowance: Allowance
    ) -> None:
        self.client, self.allowance = client, allowance
        self._scripts, self._keys, self._window = Scripts(client), keys, limits.failures

    def count(self, address: str, hook: str) -> Count:
        """`hook` is whatever name was asked for: those that aren't there count like those that are."""
        keys = self._keys.failures_from(address), self._keys.failures_at(hook)
        most = self.allowance
        reply = self._scripts.run("fail", keys, (self._window, most.per_address, most.per_hook))
        return Count(reply[0], reply[1] == 1)
