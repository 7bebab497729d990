"""Which secrets still authenticate deliveries, and how often a request was not authenticated."""

from __future__ import annotations

from collections.abc import Mapping

from dispatcher.ledger.store import Store

Rejections = Mapping[tuple[str, str], int]
"""(hook, cause) -> how many requests; the hook is "" for all names that no hook has."""


class SecretUsage:
    """Raises LedgerUnavailable. `log_delivery.lua` records the use of a secret, together with the delivery."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def used(self) -> dict[tuple[str, str], int]:
        """(hook, source of the secret) -> when it last authenticated a delivery, in milliseconds."""
        return self._read(self._keys.used)

    def rejections(self) -> Rejections:
        """All counts since the ledger began."""
        return self._read(self._keys.rejections)

    def refused(self) -> tuple[Rejections, Rejections]:
        """(hook, status) -> how many deliveries were answered so, and when last (ms)."""
        return self._read(self._keys.refused), self._read(self._keys.refused_at)

    def count(self, rejections: Rejections, refused: Rejections | None = None) -> None:
        """Adds these counts, by cause and by status, in two round trips."""
        now = self._store.now()
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for (hook, why), count in rejections.items():
                pipeline.hincrby(self._keys.rejections, f"{hook} {why}", count)
            for (hook, status), count in (refused or {}).items():
                pipeline.hincrby(self._keys.refused, f"{hook} {status}", count)
                pipeline.hset(self._keys.refused_at, f"{hook} {status}", str(now))
            pipeline.execute()

    def _read(self, key: str) -> dict[tuple[str, str], int]:
        found = self._store.fields(key)
        parts = ((name.partition(" "), number) for name, number in found.items())
        return {(hook, what): int(number) for (hook, _, what), number in parts}
