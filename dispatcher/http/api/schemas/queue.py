"""JSON bodies about the queue: which deploys wait, and what for."""

from __future__ import annotations

import msgspec

from dispatcher.domain.waiting import Wait, WaitsFor
from dispatcher.http.api.schemas.deploys import DeployInfo, deploy_info
from dispatcher.http.api.schemas.times import rfc3339


class QueuedDeploy(DeployInfo, frozen=True, kw_only=True):
    """A deploy that waits."""

    waits_for: WaitsFor
    explanation: str
    """The same in a sentence."""
    since: str | None
    until: str | None = None
    """Null where no time is known."""
    behind: str | None = None
    """The deploy that goes first."""
    position: int
    """In the line for slots if it waits for one, else among the waiting deploys of its target; from 1."""


class QueuePage(msgspec.Struct, frozen=True, kw_only=True):
    deploys: tuple[QueuedDeploy, ...]
    """Those that wait longest first."""
    total: int
    """How many wait in all."""
    next: str = ""
    """The cursor of the next page; empty on the last one."""


def queued_deploy(wait: Wait) -> QueuedDeploy:
    return QueuedDeploy(
        **msgspec.structs.asdict(deploy_info(wait.deploy)),
        waits_for=wait.waits_for,
        explanation=wait.why,
        since=rfc3339(wait.since),
        until=rfc3339(wait.until),
        behind=wait.behind or None,
        position=wait.position,
    )
