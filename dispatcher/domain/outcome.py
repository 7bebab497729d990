"""What became of a push for a target, and of stopping a deploy. Values only."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """What became of a push for one target."""

    ACCEPTED = "accepted"  # a new deploy
    COALESCED = "coalesced"  # a waiting deploy of the stream was given this commit
    DUPLICATE = "duplicate"  # the same push was taken before
    UNCHANGED = "unchanged"  # the last attempt was this commit, and it succeeded
    STALE = "stale"  # the branch has moved past this commit
    FILTERED = "filtered"  # the target does not want it
    HELD = "held"  # the target is paused
    REJECTED = "rejected"  # deploys of too many branches of the target are open


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one push for one target: an element of the answer to a delivery."""

    target: str
    ref: str
    commit: str
    outcome: Outcome
    deploy: str = ""
    """`target/number`, where there is one."""
    reason: str = ""

    def although(self, unsure: str) -> Result:
        """The same; where it deploys something, with why it is not known whether the target wants that."""
        if not unsure or self.outcome not in (Outcome.ACCEPTED, Outcome.COALESCED, Outcome.HELD):
            return self
        return msgspec.structs.replace(self, reason=f"{self.reason}; {unsure}")


class StopResult(StrEnum):
    """What came of stopping a deploy, or of releasing it."""

    CANCELLED = "cancelled"  # it was waiting and has ended
    STOPPING = "stopping"  # it has its turn, and a worker stops it
    RELEASED = "released"  # the target goes on; its remaining Job and Pods no longer count
    OVER = "over"  # it has ended before
    RUNNING = "running"  # not stopping: only a stopping deploy can be released
    UNKNOWN = "unknown"  # the ledger has no such deploy
