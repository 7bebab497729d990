"""JSON bodies about a commit, and what became of it."""

from __future__ import annotations

import msgspec

from dispatcher.domain.commit_history import CommitHistory, CommitState
from dispatcher.http.api.schemas.deploys import DeployInfo, deploy_info


class CommitTarget(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the commit at one target."""

    target: str
    became: CommitState
    explanation: str
    by: str | None = None
    """The deploy that deployed it, or that took its turn."""
    deploys: tuple[DeployInfo, ...] = ()
    """Those that have the commit, newest first, ten at the most."""
    delivery: str | None = None
    """The newest delivery that brought it, by its id."""


class CommitPage(msgspec.Struct, frozen=True, kw_only=True):
    repository: str
    commit: str
    """As it was asked for."""
    targets: tuple[CommitTarget, ...]
    """In the configuration's order."""
    total: int
    """How many targets the repository has."""
    next: str = ""
    """The cursor of the next page; empty on the last one."""


SHOWN = 10


def commit_target(history: CommitHistory) -> CommitTarget:
    return CommitTarget(
        target=history.target,
        became=history.became,
        explanation=history.explanation,
        by=history.by or None,
        deploys=tuple(map(deploy_info, history.deploys[:SHOWN])),
        delivery=history.delivery or None,
    )
