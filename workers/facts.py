"""One Job and its Pods → what matters about them. Purely computational."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from dispatcher.model import JobFacts
from workers import labels
from workers.objects import Condition, ContainerStatus, Job, Metadata, Pod

LONGEST_MESSAGE = 500
_TAKEN_AWAY = frozenset({"Evicted", "NodeLost", "NodeShutdown", "Terminated", "Preempting"})
"""Reasons of a failed Pod that are the node's, not the container's."""
_UNKNOWN = "ContainerStatusUnknown"
"""Reason of a container that was gone when its node was back."""
_EARLY = frozenset({"PodInitializing", "ContainerCreating", ""})
"""Waiting reasons that every Pod goes through."""


def owner_of(pod: Pod) -> str:
    """The uid of the Job that made the Pod."""
    return pod.metadata.labels.get(labels.JOB_UID, "")


def told_by_job(job: Job) -> tuple[str, JobFacts]:
    """The target that a Job belongs to ("" for none of ours), and what the Job itself says."""
    metadata = job.metadata
    end = _end(job.status.conditions)
    facts = JobFacts(
        namespace=metadata.namespace,
        job=metadata.name,
        uid=metadata.uid,
        rv=metadata.resource_version,
        number=_number(metadata),
        token=metadata.annotations.get(labels.TOKEN, ""),
        commit=metadata.annotations.get(labels.COMMIT, ""),
        ref=metadata.annotations.get(labels.REF, ""),
        tombstone=metadata.labels.get(labels.TOMBSTONE) == "true",
        created_at=_milliseconds(metadata.creation_timestamp),
        wanted_at=_wanted_at(metadata),
        deleting=metadata.deletion_timestamp is not None,
        interruptible=_interruptible(metadata),
        outcome=("succeeded" if end.type == "Complete" else "failed") if end else "",
        reason=end.reason if end else "",
        message=end.message[:LONGEST_MESSAGE] if end else "",
    )
    return _target(metadata), facts


def with_pods(job: JobFacts, pods: Sequence[Pod], before: JobFacts | None) -> JobFacts:
    """What the Job says and what its Pods say; what was told before of Pods that are gone stands."""
    live = sum(pod.live for pod in pods)
    started = any(_has_started(pod) for pod in pods) or bool(before and before.started)
    if not pods:
        kept = before or job
        return replace(
            job,
            live_pods=0,
            started=started,
            pod=kept.pod,
            container=kept.container,
            exit_code=kept.exit_code,
            disrupted=kept.disrupted,
        )
    newest = max(pods, key=_age)
    failing = _failed_container(newest)
    ended = failing.state.terminated if failing else None
    return replace(
        job,
        live_pods=live,
        started=started,
        interruptible=job.interruptible
        and all(_interruptible(pod.metadata) for pod in pods if pod.live),
        pod=newest.metadata.name,
        container=failing.name if failing else "",
        exit_code=ended.exit_code if ended else None,
        message=job.message or _pod_message(newest),
        waiting=_waiting(newest),
        disrupted=_disrupted(newest),
    )


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


def _number(metadata: Metadata) -> int:
    text = metadata.labels.get(labels.NUMBER, "")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0


def _wanted_at(metadata: Metadata) -> int:
    text = metadata.annotations.get(labels.WANTED, "")
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else 0


def _target(metadata: Metadata) -> str:
    """ "" for what no target can be called: anybody can put labels on a Job."""
    name = metadata.labels.get(labels.TARGET, "")
    return name if re.fullmatch("[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", name) else ""


def _milliseconds(time: datetime | None) -> int:
    return int(time.timestamp() * 1000) if time else 0


def _age(pod: Pod) -> tuple[int, str]:
    return _milliseconds(pod.metadata.creation_timestamp), pod.metadata.name


def _statuses(pod: Pod) -> tuple[ContainerStatus, ...]:
    return pod.status.init_container_statuses + pod.status.container_statuses


def _has_started(pod: Pod) -> bool:
    return any(c.state.running is not None or c.state.terminated for c in _statuses(pod))


def _failed_container(pod: Pod) -> ContainerStatus | None:
    for container in _statuses(pod):
        if container.state.terminated and container.state.terminated.exit_code != 0:
            return container
    return None


def _pod_message(pod: Pod) -> str:
    parts = (pod.status.reason, pod.status.message)
    return ": ".join(part for part in parts if part)[:LONGEST_MESSAGE]


def _disrupted(pod: Pod) -> str:
    """Why the cluster took a Pod away, "" if it did not.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
    """
    said = next((c for c in pod.status.conditions if c.type == "DisruptionTarget"), None)
    if pod.status.phase != "Failed":
        return ""
    if any(c.state.terminated and c.state.terminated.reason == _UNKNOWN for c in _statuses(pod)):
        return f"the cluster took its Pod away: its node was restarted: {_UNKNOWN}"
    if said is None and pod.status.reason not in _TAKEN_AWAY:
        return ""
    reason = pod.status.reason or (said.reason if said else "")
    message = pod.status.message or (said.message if said else "")
    return f"the cluster took its Pod away: {reason}: {message}"[:LONGEST_MESSAGE].rstrip(": ")


def _waiting(pod: Pod) -> str:
    """Why a Pod does not run, "" when it does or is on its way."""
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"no node takes its Pod: {condition.message}"[:LONGEST_MESSAGE]
    for container in _statuses(pod):
        waiting = container.state.waiting
        if waiting and waiting.reason not in _EARLY:
            text = f"container {container.name} waits: {waiting.reason}: {waiting.message}"
            return text[:LONGEST_MESSAGE]
    return ""
