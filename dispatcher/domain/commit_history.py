"""What became of one commit at one target, by its deploys and by what its delivery was answered. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.outcome import Outcome, Result


class CommitState(StrEnum):
    """What became of a commit at a target."""

    DEPLOYED = "deployed"  # a deploy of it succeeded
    ACTIVE = "active"  # a deploy of it starts, runs or stops
    WAITING = "waiting"
    FAILED = "failed"  # its deploy failed, or was lost
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # a newer commit took its turn
    FILTERED = "filtered"  # the target did not want it
    STALE = "stale"  # its branch had moved past it
    REJECTED = "rejected"  # too many branches of the target were open
    FORGOTTEN = "forgotten"  # the ledger no longer has its deploy
    UNSEEN = "unseen"  # no delivery of it is known here


OF_DEPLOYS = {
    State.PENDING: CommitState.WAITING,
    State.STARTING: CommitState.ACTIVE,
    State.RUNNING: CommitState.ACTIVE,
    State.STOPPING: CommitState.ACTIVE,
    State.SUCCEEDED: CommitState.DEPLOYED,
    State.FAILED: CommitState.FAILED,
    State.LOST: CommitState.FAILED,
    State.CANCELLED: CommitState.CANCELLED,
    State.SUPERSEDED: CommitState.SUPERSEDED,
}
OF_ANSWERS = {
    Outcome.FILTERED: CommitState.FILTERED,
    Outcome.STALE: CommitState.STALE,
    Outcome.REJECTED: CommitState.REJECTED,
}


@dataclass(frozen=True, kw_only=True)
class CommitHistory:
    """Of one commit at one target."""

    target: str
    deploys: Sequence[Deploy] = ()
    """Those that have the commit, newest first."""
    answer: Result | None = None
    """What its newest delivery was answered for the target."""
    answered_in: Deploy | None = None
    """The deploy that the answer names, as far as the ledger has it."""
    delivery: str = ""
    """Id of that delivery in the log."""
    became: CommitState = field(init=False)
    by: str = field(init=False)
    """The deploy that deployed it, or that took its turn; "" for none."""
    explanation: str = field(init=False)

    def __post_init__(self) -> None:
        for name, value in zip(("became", "by", "explanation"), self._became(), strict=True):
            object.__setattr__(self, name, value)

    def _became(self) -> tuple[CommitState, str, str]:
        if self.deploys:
            return _of_deploy(self.deploys[0])
        if self.answer is None:
            return CommitState.UNSEEN, "", "no delivery of it is known for this target"
        if state := OF_ANSWERS.get(self.answer.outcome):
            return state, "", self.answer.reason
        by = self.answer.deploy
        if self.answered_in is None:
            return CommitState.FORGOTTEN, by, f"the ledger no longer has {by}"
        return CommitState.SUPERSEDED, by, f"{by} was given a newer commit before it started"


def _of_deploy(newest: Deploy) -> tuple[CommitState, str, str]:
    by = f"{newest.target}/{newest.superseded_by}" if newest.superseded_by else newest.name
    explained = f"{newest.name} {newest.state}" + (f": {newest.why}" if newest.why else "")
    return OF_DEPLOYS[newest.state], by, explained
