"""What had to be put right: counted by kind, the newest kept to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from dispatcher.ledger.connection import texts, translated
from dispatcher.ledger.ledger import Ledger
from dispatcher.ledger.snapshot import decode


class Kind(StrEnum):
    """What was found and mended. docs/operations.md says of each what it means."""

    WAKE_UP = "unanswered-wake-up"  # no worker has taken it up in time: it is sent again
    LEASE = "expired-lease"  # a worker died, or hung, while it held the target
    NOT_DUE = "forgotten-target"  # it has an open deploy, and nothing would have looked at it again
    START = "unresolved-start"  # nobody knew whether a Job was created: its name was claimed
    END = "missed-end"  # a Job ended while no watcher was there to see it
    FOUND = "unknown-job"  # a Job of ours that the ledger did not know: followed from now on
    VANISHED = "vanished-job"  # a deploy's Job is gone, and nobody saw how it ended
    STRAY = "stray-job"  # a Job that no deploy has any more: deleted
    TOMBSTONE = "tombstone"  # a claimed name was kept long enough: deleted
    POD = "orphaned-pod"  # a Pod whose Job is gone and that nothing was about to delete: deleted
    TIME = "older-cluster"  # the cluster was restored from an older state: all versions forgotten


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    target: str
    what: str
    """What it was about, and what was done, in plain words."""
    at: int = 0


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
