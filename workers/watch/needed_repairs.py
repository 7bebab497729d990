"""Compares the ledger with the cluster, and returns the repairs that are needed. Pure.

What workers and the watcher are already working on needs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.domain.row import Row
from workers.kube import labels
from workers.kube.objects import Pod
from workers.plan.lookup import is_given_up, is_own
from workers.plan.times import RESERVATION_AGE


def of_rows(rows: Iterable[Row], now: int, grace: int) -> Iterator[Repair]:
    """Targets that no worker would reconcile. `grace` is how long (ms) a wake-up may take."""
    for row in rows:
        if row.leased_until > now:
            continue
        due = row.due is not None and row.due <= now
        if row.leased_until and due:
            yield _repair(
                Kind.EXPIRED_LEASE, row.target, "its worker never released it: it is woken"
            )
        elif row.woken and row.due is not None and row.due + grace <= now:
            yield _repair(
                Kind.UNTAKEN_WAKE_UP,
                row.target,
                "no worker has taken its wake-up: it is woken again",
            )
        elif row.open and row.due is None:
            yield _repair(
                Kind.FORGOTTEN_TARGET,
                row.target,
                "it has open deploys and no due time: it is woken",
            )


def of_jobs(
    target: str,
    deploys: Sequence[Deploy],
    known: Sequence[ObservedJob],
    there: Sequence[ObservedJob],
    now: int,
) -> Iterator[Repair]:
    """One target's Jobs: the ones that the ledger knows, compared with the ones in the cluster."""
    by_uid = {observed.uid: observed for observed in known}
    by_number = {deploy.number: deploy for deploy in deploys}
    for job in there:
        if found := _of_job(job, by_uid.get(job.uid), by_number.get(job.number), now):
            yield _repair(found[0], target, f"Job {job.job} {found[1]}")
    uids = {job.uid for job in there}
    for deploy in deploys:
        if deploy.active and deploy.uid and deploy.uid not in uids:
            observed = by_uid.get(deploy.uid)
            if observed is None or not observed.gone:
                yield _repair(
                    Kind.VANISHED_JOB, target, f"Job {deploy.job} of {deploy.name} is not there"
                )


def _of_job(
    job: ObservedJob, known: ObservedJob | None, deploy: Deploy | None, now: int
) -> tuple[Kind, str] | None:
    if job.reserves_name:
        old = now >= job.created_at + RESERVATION_AGE and not job.deleting
        return (
            (Kind.NAME_RESERVATION, "reserved a name for long enough: it is deleted")
            if old
            else None
        )
    if deploy is None and known is None:
        return Kind.UNKNOWN_JOB, "is unknown to the ledger: it is followed"
    begun = deploy and (deploy.attempt > 0 or deploy.terminal)
    if deploy and is_given_up(job, deploy):
        return None
    if deploy and begun and not is_own(job, deploy) and not job.deleting:
        return Kind.ORPHANED_JOB, f"belongs to no attempt of {deploy.name}: it is deleted"
    if job.outcome and deploy and deploy.active and not (known and known.outcome):
        return Kind.MISSED_END, f"has {job.outcome}, which the watcher missed: it is recorded"
    return None


def of_orphaned_pod(pod: Pod) -> Repair:
    job = pod.metadata.labels.get(labels.JOB_NAME, "?")
    what = f"Pod {pod.metadata.name} is left of Job {job}, which is gone: it is deleted"
    return _repair(Kind.ORPHANED_POD, pod.metadata.labels.get(labels.TARGET, ""), what)


def _repair(kind: Kind, target: str, what: str) -> Repair:
    return Repair(kind=kind, target=target, what=what)
