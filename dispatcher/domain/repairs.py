"""What had to be put right, as types."""

from __future__ import annotations

from enum import StrEnum

import msgspec


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
