"""Repairs: inconsistencies that were found and repaired. Values only."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """The kinds of repairs; docs/operations.md explains each."""

    UNTAKEN_WAKE_UP = "untaken-wake-up"  # no worker has taken it up in time: it is sent again
    LEFT_TASK = "left-task"  # RQ kept a wake-up that failed, or whose worker died: cleared
    EXPIRED_LEASE = "expired-lease"  # a worker died, or hung, while it held the target
    FORGOTTEN_TARGET = "forgotten-target"  # a deploy is open, and nothing would have looked at it
    UNRESOLVED_START = "unresolved-start"  # nobody knew whether a Job exists: its name was reserved
    MISSED_END = "missed-end"  # a Job ended while no watcher was there to see it
    UNKNOWN_JOB = "unknown-job"  # one of our Jobs that the ledger lacked: followed from now on
    VANISHED_JOB = "vanished-job"  # a deploy's Job is gone, and its end was not observed
    ORPHANED_JOB = "orphaned-job"  # a Job that no deploy has any more: deleted
    NAME_RESERVATION = "name-reservation"  # it reserved a name for long enough: deleted
    ORPHANED_POD = "orphaned-pod"  # a Pod whose Job is gone, and nothing would delete it: deleted
    OLDER_CLUSTER = (
        "older-cluster"  # the cluster went back to an older state: all versions forgotten
    )


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    target: str
    what: str
    """What it was about, and what was done, in plain words."""
    at: int = 0
