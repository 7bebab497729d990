"""The steps that a plan can name; the reconciler knows how to carry out each."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind


@dataclass(frozen=True)
class Change:
    """Write these deploys, forget these Jobs (`namespace/name`): nothing to do in the cluster."""

    deploys: tuple[Deploy, ...] = ()
    dropped: tuple[str, ...] = ()
    repair: Kind | None = None
    """What was wrong, where something was."""


@dataclass(frozen=True)
class ClaimSlot:
    """Claim a concurrency slot; the deploy starts when there is one."""

    deploy: Deploy
    namespace: str


@dataclass(frozen=True)
class Create:
    """Write the deploy, whose Job's name is new, then POST the Job."""

    deploy: Deploy


@dataclass(frozen=True)
class ReserveName:
    """Nobody knows whether the deploy's Job was created: reserve its name, or adopt the Job that has it."""

    deploy: Deploy


@dataclass(frozen=True)
class Stop:
    """Write the deploys, the first of which is told to stop, then delete its Job."""

    deploys: tuple[Deploy, ...]


@dataclass(frozen=True)
class Delete:
    """Delete a Job that has no business in the cluster any more."""

    job: ObservedJob
    deploy: Deploy | None
    """The deploy that it belongs to; None for an orphaned Job or a name reservation."""
    why: str
    repair: Kind | None = None
    """What was wrong, where something was: what a retry leaves behind is none."""


@dataclass(frozen=True)
class LookForPods:
    """The Job of this deploy is gone: read whether Pods of the target are left, not older than now."""

    deploy: Deploy


@dataclass(frozen=True)
class Judge:
    """The Job has failed: read its Pods to see why, and the log of the one that tells; write the deploy."""

    deploy: Deploy
    job: ObservedJob


@dataclass(frozen=True)
class AskEvents:
    """Nothing that is watched says why the deploy does not start: read the events of its Pod, or of its Job
    where there is none, and write what they say."""

    deploy: Deploy
    job: ObservedJob


@dataclass(frozen=True)
class Wait:
    """Nothing to do before something happens, or before `due_at`."""

    due_at: int | None = None
    trouble: str = ""


Step = (
    Change
    | ClaimSlot
    | Create
    | ReserveName
    | Stop
    | Delete
    | LookForPods
    | Judge
    | AskEvents
    | Wait
)
