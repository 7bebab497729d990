"""The log of repairs: a count for each kind, and the newest ones."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.store import Store


class Repairs:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def note(self, repairs: Sequence[Repair]) -> None:
        """Counts the repairs, and stores the newest."""
        if not repairs:
            return
        now, most, keys = self._store.now(), self._store.retention.repairs, self._keys
        dated = [msgspec.structs.replace(repair, at=now) for repair in repairs]
        self._store.write(
            *(("HINCRBY", keys.repairs, repair.kind, 1) for repair in dated),
            *(("LPUSH", keys.repaired, encode(r)) for r in dated),
            ("LTRIM", keys.repaired, 0, most - 1),
        )

    def counts(self) -> dict[Kind, int]:
        """How many repairs of each kind there ever were."""
        found = self._store.fields(self._keys.repairs)
        return {kind: int(found.get(kind, 0)) for kind in Kind}

    def newest(self) -> list[Repair]:
        with self._store.redis() as client:
            found = client.lrange(self._keys.repaired, 0, -1)
        return [decode(raw, Repair) for raw in texts(found)]
