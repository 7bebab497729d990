"""One container of a Pod: whether it has run, why it waits, how it ended.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states
"""

from __future__ import annotations

from datetime import UTC, datetime

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.job_contract import CLONE_NAME, CLONE_REFUSED
from workers.causes.cause import Cause, cause
from workers.kube.objects import ContainerStatus, Terminated

UNKNOWN = "ContainerStatusUnknown"
"""The kubelet's reason for a container whose end it did not see, and which may never have existed.

https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/status/status_manager.go (TerminatePod)
"""
_EARLY = frozenset({"PodInitializing", "ContainerCreating", ""})
"""Waiting reasons that every Pod goes through."""
_NOT_STARTED = frozenset({"StartError", "ContainerCannotRun", "RunContainerError"})
"""Reasons for a command that cannot be run (exit codes 126 to 128), of containerd and other runtimes.

https://github.com/containerd/containerd/blob/main/internal/cri/server/container_start.go
"""
_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
"""https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go"""
_CONFIG = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
        "RunContainerError",
    }
)
"""https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kuberuntime/kuberuntime_container.go"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def has_run(container: ContainerStatus) -> bool:
    """Whether its process runs or ran. A terminated state alone does not show that: see `UNKNOWN`."""
    ended = container.state.terminated
    if container.state.running is not None or _was_process(container.last_state.terminated):
        return True
    if ended and ended.reason == UNKNOWN:
        return bool(container.container_id)
    return _was_process(ended)


def _was_process(ended: Terminated | None) -> bool:
    return ended is not None and ended.reason not in _NOT_STARTED


def failure(container: ContainerStatus) -> Terminated | None:
    """How it failed, if that is known: this time, or the time before if it is about to restart."""
    for ended in (container.state.terminated, container.last_state.terminated):
        if ended and ended.exit_code != 0 and ended.reason != UNKNOWN:
            return ended
        if ended and ended.exit_code == 0:
            return None
    return None


def was_stopped(ended: Terminated) -> bool:
    """Whether a signal that stops Pods ended it: SIGTERM or SIGKILL."""
    return ended.exit_code in (143, 137) and ended.reason != "OOMKilled"


def is_lost(container: ContainerStatus) -> bool:
    """Whether the kubelet does not know how it ended."""
    ended = container.state.terminated
    return ended is not None and ended.reason == UNKNOWN


def ended_at(container: ContainerStatus) -> datetime:
    """When it failed; far in the future if that is unknown."""
    ended = failure(container) or container.state.terminated
    finished = ended.finished_at if ended else None
    return finished if finished and finished > _EPOCH else datetime.max.replace(tzinfo=UTC)


def of_failure(container: ContainerStatus, ended: Terminated) -> Cause:
    """Why a container failed by itself."""
    name, code = container.name, ended.exit_code
    if ended.reason in _NOT_STARTED:
        return cause(
            CauseKind.CONFIG,
            f"container {name} could not be started",
            ended.message or ended.reason,
        )
    if ended.reason == "OOMKilled":
        return cause(CauseKind.MEMORY, f"container {name} exited with {code}", "OOMKilled")
    if name == CLONE_NAME:
        more = "the pushed ref does not hold the commit" if code == CLONE_REFUSED else ""
        return cause(CauseKind.CLONE, f"container {name} exited with {code}", more)
    return cause(CauseKind.SCRIPT, f"container {name} exited with {code}")


def of_wait(container: ContainerStatus) -> Cause | None:
    """Why a container waits; None if it does not, or if its start is under way."""
    waiting = container.state.waiting
    if waiting is None or waiting.reason in _EARLY:
        return None
    before = failure(container)
    texts = (f"container {container.name} waits", waiting.reason, waiting.message)
    if before:
        why = of_failure(container, before)
        return cause(why.kind, *texts[:2], f"{waiting.message}; {why.why}", retry=True)
    return cause(_kind(waiting.reason), *texts, retry=True)


def _kind(reason: str) -> CauseKind:
    if reason in _IMAGE:
        return CauseKind.IMAGE
    return CauseKind.CONFIG if reason in _CONFIG else CauseKind.UNKNOWN
