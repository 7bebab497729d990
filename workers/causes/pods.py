"""The Pods of a Job: which Pod and which container show the cause, and what it is.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.durations import show_duration
from dispatcher.domain.job_contract import CLONE_NAME
from workers.causes.cause import Cause, cause
from workers.causes.containers import (
    ended_at,
    failure,
    has_run,
    is_lost,
    of_failure,
    of_wait,
    was_stopped,
)
from workers.kube.objects import Condition, ContainerStatus, Pod

DEADLINE = "DeadlineExceeded"
_TAKEN = "the cluster took its Pod away"
_EVICTED = frozenset({"Evicted", "Preempting"})
_NODE_WENT = frozenset({"NodeLost", "NodeShutdown", "Terminated", "Shutdown"})
_OF_NODE = frozenset({"DeletionByPodGC", "TerminationByKubelet"})
"""Reasons of a disruption that come from the end of a node, not from a decision.

https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
"""
_RULES = frozenset(
    {"UnexpectedAdmissionError", "AppArmor", "SysctlForbidden", "Forbidden", "InvalidNodeInfo"}
)
"""A kubelet's reasons to refuse a Pod that are rules; others are capacity and fit (OutOfcpu, NodeAffinity).

https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/lifecycle/predicate.go
"""
_REJECTED = re.compile(
    "OutOf|Node(Affinity|Name|Ports|Selector)|TopologyAffinity|PodOS|Insufficient"
)
_OWN_STORAGE = re.compile(
    "Usage of EmptyDir volume|ephemeral local storage usage exceeds|local ephemeral storage limit"
)
"""Messages of evictions that the Pod caused itself.

https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/eviction/helpers.go
"""


class Diagnosis(msgspec.Struct, frozen=True):
    """The cause that Pods show, and the Pod and container whose log shows it."""

    pod: Pod
    cause: Cause | None = None
    container: str = ""
    exit_code: int | None = None


def diagnose(pods: Sequence[Pod], job_ended: bool = False) -> Diagnosis:
    """The diagnosis of a Job's Pods. Until the Job has ended, the cause of a wait comes
    first: it can be removed."""
    waits = next(
        (Diagnosis(pod, why) for pod in sorted(pods, key=_age) if (why := _wait(pod))), None
    )
    failed = [pod for pod in pods if pod.status.phase == "Failed"]
    if not failed or (waits and not job_ended):
        return waits or Diagnosis(max(pods, key=_age))
    culprit = _first_failed(failed)
    goes_on = not job_ended and any(pod.live for pod in pods)
    return _of_failed(culprit, None if goes_on else _end(culprit))


def has_started(pod: Pod) -> bool:
    """Whether a main container has run: init containers and sidecars only prepare that."""
    return any(map(has_run, pod.status.container_statuses))


def clones(pod: Pod) -> bool:
    return any(c.name == CLONE_NAME and c.state.running is not None for c in _inits(pod))


def prepares(pod: Pod) -> bool:
    """Whether an init container runs."""
    return any(c.state.running is not None for c in _inits(pod))


def prepared(pod: Pod) -> int:
    """Milliseconds that its init containers took, of those that have succeeded."""
    return sum(map(_took, _inits(pod)))


def retried_at(pods: Sequence[Pod]) -> datetime | None:
    """When the newest of them was created, if another had failed before."""
    newest = max(pods, key=_age)
    failed = any(pod.status.phase == "Failed" for pod in pods if pod is not newest)
    return newest.metadata.creation_timestamp if failed else None


def _took(container: ContainerStatus) -> int:
    ended = container.state.terminated
    if ended is None or ended.exit_code or not (ended.started_at and ended.finished_at):
        return 0
    return max(0, int((ended.finished_at - ended.started_at).total_seconds() * 1000))


def _sidecars(pod: Pod) -> set[str]:
    """Init containers that run beside the main ones. They are stopped last, and their exit codes mean nothing.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#jobs-with-sidecar-containers
    """
    return {c.name for c in pod.spec.init_containers if c.restart_policy == "Always"}


def _inits(pod: Pod) -> list[ContainerStatus]:
    sidecars = _sidecars(pod)
    return [c for c in pod.status.init_container_statuses if c.name not in sidecars]


def _own(pod: Pod) -> list[ContainerStatus]:
    return [*_inits(pod), *pod.status.container_statuses]


def _age(pod: Pod) -> tuple[datetime, str]:
    born = pod.metadata.creation_timestamp or datetime.min.replace(tzinfo=UTC)
    return born, pod.metadata.name


def _first_failed(failed: Sequence[Pod]) -> Pod:
    """Of Pods that ran in parallel the first that failed; of retries the last.

    Deleted Pods count only if there are no others, since a Job that has failed deletes the rest. Pods that a
    drain or a preemption deleted do count: they have a condition that says so.
    """
    by_themselves = [pod for pod in failed if not _was_deleted(pod) or _was_disrupted(pod)]
    ordered = sorted(by_themselves or failed, key=_failed_at)
    first = ordered[-1]
    for earlier in reversed(ordered[:-1]):
        if _age(earlier)[0] < _age(first)[0] and _failed_at(earlier)[0] <= _age(first)[0]:
            break
        first = earlier
    return first


def _failed_at(pod: Pod) -> tuple[datetime, str]:
    """A Pod whose node is gone has no failed container: it counts as failed from its deletion on."""
    found = _culprit(pod)
    otherwise = pod.metadata.deletion_timestamp or _age(pod)[0]
    return (ended_at(found) if found else otherwise), pod.metadata.name


def _was_deleted(pod: Pod) -> bool:
    return pod.metadata.deletion_timestamp is not None


def _was_disrupted(pod: Pod) -> bool:
    return any(map(_is_disruption, pod.status.conditions))


def _culprit(pod: Pod) -> ContainerStatus | None:
    """The container that failed first, sidecars aside."""
    failed = [container for container in _own(pod) if failure(container)]
    return min(failed, key=ended_at, default=None)


def _of_failed(pod: Pod, why: Cause | None) -> Diagnosis:
    """A failed Pod, with the container whose log to read: the one that failed, else the last that ran."""
    container = _culprit(pod) or next(filter(has_run, reversed(_own(pod))), None)
    ended = failure(container) if container else None
    return Diagnosis(
        pod, why, container.name if container else "", ended.exit_code if ended else None
    )


def _wait(pod: Pod) -> Cause | None:
    """Why a live Pod waits."""
    if not pod.live:
        return None
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            why = condition.message or condition.reason
            return cause(CauseKind.SCHEDULING, "no node takes its Pod", why, retry=True)
    everything = pod.status.init_container_statuses + pod.status.container_statuses
    return next(filter(None, map(of_wait, everything)), None)


def _end(pod: Pod) -> Cause:
    """Why a Pod failed. What its node or the cluster did to it comes before how its containers took that."""
    return next(filter(None, _reasons(pod)), None) or _unknown(pod)


def _reasons(pod: Pod) -> Iterator[Cause | None]:
    yield _timeout(pod)
    yield _taken_away(pod)
    yield _rejected(pod)
    culprit = _culprit(pod)
    ended = failure(culprit) if culprit else None
    if culprit and ended:
        why = of_failure(culprit, ended)
        yield _deleted(pod, why) if was_stopped(ended) else why
    yield _lost(pod)


def _timeout(pod: Pod) -> Cause | None:
    """https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/active_deadline.go"""
    if pod.status.reason != DEADLINE:
        return None
    after = pod.spec.active_deadline_seconds
    text = timed_out(after or 0)
    init = _culprit(pod)
    if init and init in _inits(pod) and not has_started(pod):
        text += f"; container {init.name} had not finished"
    return cause(CauseKind.TIMEOUT, text)


def timed_out(timeout: int, after: int = 0) -> str:
    """After so many seconds, where that is more than the `timeout` of one Pod."""
    if not timeout and not after:
        return "timed out"
    if not after or after == timeout:
        return f"timed out after {timeout} s (timeout: {show_duration(timeout)})"
    if not timeout:
        return f"timed out after {after} s (its Job's activeDeadlineSeconds)"
    limit = f"timeout: {show_duration(timeout)}, and what its Job had for retries and waiting"
    return f"timed out after {after} s ({limit})"


def _taken_away(pod: Pod) -> Cause | None:
    """The cause if the cluster ended a Pod that had not failed."""
    reason, message = pod.status.reason, pod.status.message
    if reason == "Evicted" and _OWN_STORAGE.search(message):
        return cause(CauseKind.STORAGE, "its Pod was evicted", message)
    disruption = next((c for c in pod.status.conditions if _is_disruption(c)), None)
    if not disruption and reason not in _EVICTED | _NODE_WENT:
        return None
    by_node = reason in _NODE_WENT or (
        disruption and disruption.reason in _OF_NODE and reason not in _EVICTED
    )
    kind = CauseKind.NODE if by_node else CauseKind.EVICTED
    texts = (
        reason or (disruption.reason if disruption else ""),
        message or (disruption.message if disruption else ""),
    )
    return cause(kind, _TAKEN, *texts, retry=True)


def _is_disruption(condition: Condition) -> bool:
    return condition.type == "DisruptionTarget" and condition.status == "True"


def _rejected(pod: Pod) -> Cause | None:
    """The cause if a kubelet refused the Pod before any container ran.

    https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kubelet.go (rejectPod)
    """
    reason, message = pod.status.reason, pod.status.message
    if any(map(has_run, _own(pod))):
        return None
    by_rule = reason in _RULES
    if not (by_rule or _REJECTED.match(reason) or message.startswith("Pod was rejected")):
        return None
    kind = CauseKind.ADMISSION if by_rule else CauseKind.NODE
    return cause(kind, "its node refused its Pod", reason, message, retry=True)


def _deleted(pod: Pod, why: Cause) -> Cause:
    """The cause if somebody deleted the Pod, and not its Job. That may well be on purpose,
    so it is not retried."""
    if pod.metadata.deletion_timestamp is None:
        return why
    return cause(CauseKind.VANISHED, "somebody or something else deleted its Pod", why.why)


def _lost(pod: Pod) -> Cause | None:
    """The cause if no container failed, and the end of one is unknown."""
    lost = [container for container in _own(pod) if is_lost(container)]
    if any(map(has_run, lost)):
        texts = ("its node was restarted", "ContainerStatusUnknown")
        return cause(CauseKind.NODE, _TAKEN, *texts, retry=True)
    if not lost:
        return None
    never = f"before container {lost[0].name} was started"
    if pod.metadata.deletion_timestamp is not None:
        return cause(
            CauseKind.VANISHED, f"somebody or something else deleted its Pod {never}", retry=True
        )
    return cause(CauseKind.NODE, f"its Pod ended {never}, for an unknown reason", retry=True)


def _unknown(pod: Pod) -> Cause:
    texts = (pod.status.reason, pod.status.message)
    return cause(CauseKind.UNKNOWN, "its Pod failed", *texts)
