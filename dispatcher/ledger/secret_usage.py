"""Which secrets still prove deliveries, and how often a delivery came that nothing proved."""

from __future__ import annotations

from collections.abc import Mapping

import redis

from dispatcher.ledger.connection import translated
from dispatcher.ledger.keys import Keys

Refusals = Mapping[tuple[str, str], int]
"""(hook, why) -> how many; the hook is "" for all names that no hook has."""


class Proofs:
    """Raises LedgerUnavailable. When a secret was used is written with the delivery: see `keep.lua`."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client, self._keys = client, keys

    def used(self) -> dict[tuple[str, str], int]:
        """(hook, source of the secret) -> when it last proved a delivery, in milliseconds."""
        return self._read(self._keys.used)

    def refusals(self) -> Refusals:
        """Since the ledger began."""
        return self._read(self._keys.refusals)

    def count(self, refusals: Refusals) -> None:
        """Adds these, in one round trip."""
        with translated(self._client):
            pipeline = self._client.pipeline(transaction=False)
            for (hook, why), count in refusals.items():
                pipeline.hincrby(self._keys.refusals, f"{hook} {why}", count)
            pipeline.execute()

    def _read(self, key: str) -> dict[tuple[str, str], int]:
        with translated(self._client):
            found = self._client.hgetall(key)
        parts = ((str(name).partition(" "), number) for name, number in found.items())
        return {(hook, what): int(number) for (hook, _, what), number in parts}
