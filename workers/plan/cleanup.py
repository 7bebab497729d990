"""Deletes the Jobs of finished deploys, once no policy keeps them."""

from __future__ import annotations

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.snapshot import Snapshot
from workers.plan.lookup import finished, is_own, policies_of
from workers.plan.steps import Change, Delete, Step
from workers.plan.times import DELETE_AGAIN, kept_until


def clean_up(seen: Snapshot) -> Step | None:
    gone = tuple(
        observed.key
        for observed in seen.jobs
        if observed.all_gone and not _is_active(seen, observed)
    )
    if gone:
        return Change(dropped=gone)
    for deploy, observed in finished(seen):
        if observed.gone or observed.deleting or seen.now < _delete_due(deploy):
            continue
        if why := _why_not_kept(seen, deploy, observed):
            return Delete(observed, deploy, why)
    return None


def _why_not_kept(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> str:
    """Why the Job is to be deleted, "" if it is kept.

    A Job that has not ended is never kept: it came back with a cluster that was restored from a backup.
    """
    if observed.outcome and deploy.state is State.FAILED:
        return _why_failed_not_kept(seen, deploy)
    if observed.outcome and deploy.state is State.SUCCEEDED and seen.now < kept_until(seen, deploy):
        return ""
    return f"{deploy.name} {deploy.state}"


def _is_active(seen: Snapshot, observed: ObservedJob) -> bool:
    return any(deploy.active and is_own(observed, deploy) for deploy in seen.deploys)


def _delete_due(deploy: Deploy) -> int:
    return deploy.delete_sent_at + DELETE_AGAIN if deploy.delete_sent_at else 0


def _why_failed_not_kept(seen: Snapshot, deploy: Deploy) -> str:
    policies = policies_of(seen)
    kept = [d for d, _ in finished(seen) if d.state is State.FAILED and d.number > deploy.number]
    if len(kept) >= policies.keep_failed:
        return f"{policies.keep_failed} newer failed Jobs are kept"
    if seen.now >= deploy.ended_at + policies.keep_failed_for * 1000:
        return "it has been kept long enough"
    if policies.clear_failed_on_success and seen.succeeded > deploy.number:
        return "a later deploy succeeded"
    return ""
