"""What had to be put right: counted by kind, the newest kept to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger.connection import texts, translated
from dispatcher.ledger.ledger import Ledger
from dispatcher.ledger.snapshot import decode


class Repairs:
    """Raises LedgerUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._keys, self._client = ledger, ledger.keys, ledger.client

    def note(self, repairs: Sequence[Repair]) -> None:
        """Counts them, and keeps them for a while."""
        if not repairs:
            return
        now, most, keys = self._ledger.now(), self._ledger.limits.repairs, self._keys
        dated = [msgspec.structs.replace(repair, at=now) for repair in repairs]
        self._ledger.write(
            *(("HINCRBY", keys.repairs, repair.kind, 1) for repair in dated),
            *(("LPUSH", keys.repaired, msgspec.json.encode(r).decode()) for r in dated),
            ("LTRIM", keys.repaired, 0, most - 1),
        )

    def counts(self) -> dict[Kind, int]:
        """How many of each kind there ever were."""
        with translated(self._client):
            found = self._client.hgetall(self._keys.repairs)
        return {kind: int(found.get(kind, 0)) for kind in Kind}

    def newest(self) -> list[Repair]:
        with translated(self._client):
            found = self._client.lrange(self._keys.repaired, 0, -1)
        return [decode(raw, Repair) for raw in texts(found)]
