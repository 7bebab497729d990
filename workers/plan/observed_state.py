"""A Job and its Pods → the observed state that the ledger keeps. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from dispatcher.domain.observed_job import ObservedJob
from workers.causes.cause import Cause
from workers.causes.jobs import of_end
from workers.causes.pods import clones, diagnose, has_started, prepared, prepares, retried_at
from workers.kube import labels
from workers.kube.objects import Condition, Job, Metadata, Pod

LONGEST_MESSAGE = 500
"""Characters of a condition's message that are kept."""


def owner_of(pod: Pod) -> str:
    """The uid of the Job that created the Pod."""
    return pod.metadata.labels.get(labels.JOB_UID, "")


def observe_job(job: Job) -> tuple[str, ObservedJob]:
    """The target of a Job ("" for a Job that is not ours), and the state that the Job itself shows."""
    metadata = job.metadata
    end = _end(job.status.conditions)
    observed = ObservedJob(
        namespace=metadata.namespace,
        job=metadata.name,
        uid=metadata.uid,
        rv=metadata.resource_version,
        number=_integer(metadata.labels.get(labels.NUMBER, ""), 9),
        token=metadata.annotations.get(labels.TOKEN, ""),
        commit=metadata.annotations.get(labels.COMMIT, ""),
        ref=metadata.annotations.get(labels.REF, ""),
        reserves_name=metadata.labels.get(labels.NAME_RESERVATION) == "true",
        created_at=_milliseconds(metadata.creation_timestamp),
        wanted_at=_integer(metadata.annotations.get(labels.WANTED, ""), 15),
        deleting=metadata.deletion_timestamp is not None,
        interruptible=_interruptible(metadata),
        outcome=("succeeded" if end.type == "Complete" else "failed") if end else "",
        reason=end.reason if end else "",
        message=end.message[:LONGEST_MESSAGE] if end else "",
        timeout=job.spec.template.spec.active_deadline_seconds or 0,
        deadline=job.spec.active_deadline_seconds or 0,
    )
    return _target(metadata), observed


def observe_pods(job: ObservedJob, pods: Sequence[Pod], before: ObservedJob | None) -> ObservedJob:
    """The state of a Job with that of its Pods. What was observed before of Pods that are gone is kept."""
    if not pods:
        return _without_pods(job, before or job)
    found = diagnose(pods, job_ended=bool(job.outcome))
    observed = replace(
        job,
        live_pods=sum(pod.live for pod in pods),
        started=any(map(has_started, pods)) or bool(before and before.started),
        cloning=any(map(clones, pods)),
        preparing=any(map(prepares, pods)),
        prepared=max(map(prepared, pods)),
        retried_at=_milliseconds(retried_at(pods)),
        interruptible=job.interruptible
        and all(_interruptible(pod.metadata) for pod in pods if pod.live),
        pod=found.pod.metadata.name,
        pod_uid=found.pod.metadata.uid,
        container=found.container,
        exit_code=found.exit_code,
    )
    return _with_cause_of_pods(observed, found.cause)


def _without_pods(job: ObservedJob, before: ObservedJob) -> ObservedJob:
    observed = replace(
        job,
        live_pods=0,
        started=before.started,
        prepared=before.prepared,
        retried_at=before.retried_at,
        pod=before.pod,
        container=before.container,
        exit_code=before.exit_code,
    )
    known = Cause(before.cause, before.why, before.retry) if before.cause else None
    explains_the_end = known is not None and before.outcome == observed.outcome
    return (
        _with_cause(observed, known) if explains_the_end else _with_cause_of_pods(observed, known)
    )


def _with_cause_of_pods(observed: ObservedJob, of_pods: Cause | None) -> ObservedJob:
    """The Job with the cause that its Pods show, and what the Job's own end adds to it."""
    if observed.outcome == "succeeded":
        return _with_cause(observed, None)
    return _with_cause(observed, of_end(observed, of_pods) if observed.outcome else of_pods)


def _with_cause(observed: ObservedJob, why: Cause | None) -> ObservedJob:
    if why is None:
        return replace(observed, cause=None, why="", retry=False)
    return replace(observed, cause=why.kind, why=why.why, retry=why.retry)


def _end(conditions: Iterable[Condition]) -> Condition | None:
    """Complete and Failed are set when all Pods of the Job have ended.

    https://kubernetes.io/docs/concepts/workloads/controllers/job/#termination-of-job-pods
    """
    for condition in conditions:
        if condition.type in ("Complete", "Failed") and condition.status == "True":
            return condition
    return None


def _interruptible(metadata: Metadata) -> bool:
    return metadata.annotations.get(labels.INTERRUPTIBLE) != "false"


def _integer(text: str, digits: int) -> int:
    """0 if it is not one, or longer: anybody can change labels and annotations."""
    return int(text) if re.fullmatch(f"[0-9]{{1,{digits}}}", text) else 0


def _target(metadata: Metadata) -> str:
    """ "" for a name that no target can have: anybody can put labels on a Job."""
    name = metadata.labels.get(labels.TARGET, "")
    return name if re.fullmatch("[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", name) else ""


def _milliseconds(time: datetime | None) -> int:
    return int(time.timestamp() * 1000) if time else 0
