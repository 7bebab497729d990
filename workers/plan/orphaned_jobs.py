"""Deletes Jobs that belong to no attempt of a deploy, and name reservations that have served their time."""

from __future__ import annotations

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind
from dispatcher.domain.snapshot import Snapshot
from workers.plan.lookup import is_given_up, is_own
from workers.plan.steps import Delete, Step
from workers.plan.times import RESERVATION_AGE


def delete_orphaned(seen: Snapshot) -> Step | None:
    for observed in seen.jobs:
        if not (observed.gone or observed.deleting) and (step := _delete(seen, observed)):
            return step
    return None


def _delete(seen: Snapshot, observed: ObservedJob) -> Step | None:
    deploy = next((d for d in seen.deploys if d.number == observed.number), None)
    if observed.reserves_name:
        if seen.now < observed.created_at + RESERVATION_AGE:
            return None
        why = "it reserved a name for long enough"
        return Delete(observed, None, why, Kind.NAME_RESERVATION)
    if deploy and is_given_up(observed, deploy):
        return Delete(observed, None, "its deploy is tried again")
    if deploy and _has_another_job(deploy, observed):
        return Delete(observed, None, "its deploy has another Job", Kind.ORPHANED_JOB)
    if deploy is None and _is_outdated(seen, observed):
        why = f"deploy {seen.attempted} was started after it"
        return Delete(observed, None, why, Kind.ORPHANED_JOB)
    return None


def _has_another_job(deploy: Deploy, observed: ObservedJob) -> bool:
    return not is_own(observed, deploy) and (deploy.attempt > 0 or deploy.terminal)


def _is_outdated(seen: Snapshot, observed: ObservedJob) -> bool:
    """The Job runs, the ledger has lost its deploy, and has started a newer deploy since."""
    return not observed.outcome and 0 < observed.number < seen.attempted
