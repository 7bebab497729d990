"""The steps that a plan can return; the executor carries each out."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind


@dataclass(frozen=True)
class Change:
    """Write these deploys and drop these Jobs (`namespace/name`) from the ledger; the cluster is not asked."""

    deploys: tuple[Deploy, ...] = ()
    dropped: tuple[str, ...] = ()
    repair: Kind | None = None
    """The kind of repair that this is, if it is one."""


@dataclass(frozen=True)
class ClaimSlot:
    """Claim a concurrency slot for the deploy; it starts once the target has one."""

    deploy: Deploy
    namespace: str


@dataclass(frozen=True)
class Create:
    """Write the deploy, whose Job name was never used, then POST the Job."""

    deploy: Deploy


@dataclass(frozen=True)
class ReserveName:
    """It is unknown whether the deploy's Job was created: reserve its name, or adopt the Job that has it."""

    deploy: Deploy


@dataclass(frozen=True)
class Stop:
    """Write the deploys, the first of which is to stop, then delete the Job of the first."""

    deploys: tuple[Deploy, ...]


@dataclass(frozen=True)
class Delete:
    """Delete a Job that is no longer needed in the cluster."""

    job: ObservedJob
    deploy: Deploy | None
    """The deploy that it belongs to; None for an orphaned Job or a name reservation."""
    why: str
    repair: Kind | None = None
    """The kind of repair that this is, if it is one; the Job of an attempt that is retried needs none."""


@dataclass(frozen=True)
class ListPods:
    """The Job of this deploy is gone: list the target's Pods, from a read that begins now,
    to see whether any is live."""

    deploy: Deploy


@dataclass(frozen=True)
class DiagnoseFailure:
    """The Job has failed: list its Pods to find the cause, read the log of the Pod
    that failed, write the deploy."""

    deploy: Deploy
    job: ObservedJob


@dataclass(frozen=True)
class ReadEvents:
    """Neither Job nor Pod shows why the deploy does not start: read the events of its Pod, or of its Job while
    there is no Pod, and write the cause."""

    deploy: Deploy
    job: ObservedJob


@dataclass(frozen=True)
class Wait:
    """There is nothing to do until something happens, or until `due_at`."""

    due_at: int | None = None
    trouble: str = ""


Executable = (
    Change
    | ClaimSlot
    | Create
    | ReserveName
    | Stop
    | Delete
    | ListPods
    | DiagnoseFailure
    | ReadEvents
)
"""All but `Wait`, which ends a round."""
Step = Executable | Wait
