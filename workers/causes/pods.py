"""The Pods of a Job: which of them tells, which container of it, and what that says.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.job_contract import CLONE_NAME
from workers.causes.cause import Cause, cause, seconds
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
"""Reasons of a disruption that are the node's end rather than somebody's decision.

https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
"""
_RULES = frozenset(
    {"UnexpectedAdmissionError", "AppArmor", "SysctlForbidden", "Forbidden", "InvalidNodeInfo"}
)
"""Reasons for which a kubelet refuses a Pod that are rules; others are room and fit (OutOfcpu, NodeAffinity).

https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/lifecycle/predicate.go
"""
_REJECTED = re.compile(
    "OutOf|Node(Affinity|Name|Ports|Selector)|TopologyAffinity|PodOS|Insufficient"
)
_OWN_STORAGE = re.compile(
    "Usage of EmptyDir volume|ephemeral local storage usage exceeds|local ephemeral storage limit"
)
"""Evictions that are the Pod's own doing.

https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/eviction/helpers.go
"""


class Diagnosis(msgspec.Struct, frozen=True):
    """What Pods say: why, and whose log tells."""

    pod: Pod
    cause: Cause | None = None
    container: str = ""
    exit_code: int | None = None


def diagnose(pods: Sequence[Pod], job_ended: bool = False) -> Diagnosis:
    """What one Pod or more say. Until their Job has ended, why one waits comes first: it can be mended."""
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
    """Whether what the Pod is for has begun: init containers and sidecars only prepare it."""
    return any(map(has_run, pod.status.container_statuses))


def clones(pod: Pod) -> bool:
    return any(c.name == CLONE_NAME and c.state.running is not None for c in _inits(pod))


def prepares(pod: Pod) -> bool:
    """Whether an init container runs."""
    return any(c.state.running is not None for c in _inits(pod))


def prepared(pod: Pod) -> int:
    """Milliseconds that those of its init containers took that have succeeded."""
    return sum(map(_took, _inits(pod)))


def retried_at(pods: Sequence[Pod]) -> datetime | None:
    """When the newest of them was made, where another had failed."""
    newest = max(pods, key=_age)
    failed = any(pod.status.phase == "Failed" for pod in pods if pod is not newest)
    return newest.metadata.creation_timestamp if failed else None


def _took(container: ContainerStatus) -> int:
    ended = container.state.terminated
    if ended is None or ended.exit_code or not (ended.started_at and ended.finished_at):
        return 0
    return max(0, int((ended.finished_at - ended.started_at).total_seconds() * 1000))


def _sidecars(pod: Pod) -> set[str]:
    """Init containers that run beside the main ones; they are stopped last, and their codes say nothing.

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
    """Of Pods that ran beside each other the first that failed; of retries, the last.

    Those that were deleted count only where there are no others, since a Job that has failed deletes the
    rest; a drain or a preemption, which deletes Pods too, says that it was one.
    """
    by_themselves = [pod for pod in failed if not _was_told_to_go(pod) or _was_disrupted(pod)]
    ordered = sorted(by_themselves or failed, key=_failed_at)
    first = ordered[-1]
    for earlier in reversed(ordered[:-1]):
        if _age(earlier)[0] < _age(first)[0] and _failed_at(earlier)[0] <= _age(first)[0]:
            break
        first = earlier
    return first


def _failed_at(pod: Pod) -> tuple[datetime, str]:
    """A Pod whose node is gone has no container that failed: it failed when it was told to go."""
    found = _culprit(pod)
    otherwise = pod.metadata.deletion_timestamp or _age(pod)[0]
    return (ended_at(found) if found else otherwise), pod.metadata.name


def _was_told_to_go(pod: Pod) -> bool:
    return pod.metadata.deletion_timestamp is not None


def _was_disrupted(pod: Pod) -> bool:
    return any(map(_is_disruption, pod.status.conditions))


def _culprit(pod: Pod) -> ContainerStatus | None:
    """The container that failed first, sidecars aside."""
    failed = [container for container in _own(pod) if failure(container)]
    return min(failed, key=ended_at, default=None)


def _of_failed(pod: Pod, why: Cause | None) -> Diagnosis:
    """A Pod that failed, with the container whose log tells: the one that failed, else the last that ran."""
    container = _culprit(pod) or next(filter(has_run, reversed(_own(pod))), None)
    ended = failure(container) if container else None
    return Diagnosis(
        pod, why, container.name if container else "", ended.exit_code if ended else None
    )


def _wait(pod: Pod) -> Cause | None:
    """Why a Pod does not go on that has not ended."""
    if not pod.live:
        return None
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            said = condition.message or condition.reason
            return cause(CauseKind.SCHEDULING, "no node takes its Pod", said, retry=True)
    everything = pod.status.init_container_statuses + pod.status.container_statuses
    return next(filter(None, map(of_wait, everything)), None)


def _end(pod: Pod) -> Cause:
    """Why a Pod failed. What its node or the cluster did to it comes before how its containers took that."""
    return next(filter(None, _reasons(pod)), None) or _nobody_says(pod)


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
        return f"timed out after {timeout} s (timeout: {seconds(timeout)})"
    if not timeout:
        return f"timed out after {after} s (its Job's activeDeadlineSeconds)"
    limit = f"timeout: {seconds(timeout)}, and what its Job had for retries and waiting"
    return f"timed out after {after} s ({limit})"


def _taken_away(pod: Pod) -> Cause | None:
    """What the cluster did to a Pod that could have gone on."""
    reason, message = pod.status.reason, pod.status.message
    if reason == "Evicted" and _OWN_STORAGE.search(message):
        return cause(CauseKind.STORAGE, "its Pod was evicted", message)
    said = next((c for c in pod.status.conditions if _is_disruption(c)), None)
    if not said and reason not in _EVICTED | _NODE_WENT:
        return None
    by_node = reason in _NODE_WENT or (said and said.reason in _OF_NODE and reason not in _EVICTED)
    kind = CauseKind.NODE if by_node else CauseKind.EVICTED
    words = (reason or (said.reason if said else ""), message or (said.message if said else ""))
    return cause(kind, _TAKEN, *words, retry=True)


def _is_disruption(condition: Condition) -> bool:
    return condition.type == "DisruptionTarget" and condition.status == "True"


def _rejected(pod: Pod) -> Cause | None:
    """A kubelet refused it before anything of it ran.

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
    """A container that was stopped, since somebody deleted its Pod and not its Job. Whoever does that may well
    mean it: it is not tried again."""
    if pod.metadata.deletion_timestamp is None:
        return why
    return cause(CauseKind.VANISHED, "somebody or something else deleted its Pod", why.why)


def _lost(pod: Pod) -> Cause | None:
    """Nothing of it failed, and of something nobody knows how it ended."""
    lost = [container for container in _own(pod) if is_lost(container)]
    if any(map(has_run, lost)):
        words = ("its node was restarted", "ContainerStatusUnknown")
        return cause(CauseKind.NODE, _TAKEN, *words, retry=True)
    if not lost:
        return None
    never = f"before container {lost[0].name} was started"
    if pod.metadata.deletion_timestamp is not None:
        return cause(
            CauseKind.VANISHED, f"somebody or something else deleted its Pod {never}", retry=True
        )
    return cause(CauseKind.NODE, f"its Pod ended {never}, and nobody says why", retry=True)


def _nobody_says(pod: Pod) -> Cause:
    said = (pod.status.reason, pod.status.message)
    return cause(CauseKind.UNKNOWN, "its Pod failed", *said)
