"""Which container's log comes next, of a deploy whose Pods are known: a pure function.

A deploy has one log: that of its Pods in the order of their creation, of each the init containers in their
order and then the main container. So whoever takes over at a position knows what was read before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.log import LogEnd, LogPosition
from workers.kube.objects import ContainerStatus, Pod

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
"""The annotation that names the main container, as kubectl reads it."""


@dataclass(frozen=True)
class Read:
    """Read this container's log, from the position on."""

    pod: Pod
    container: str
    is_final: bool
    """It has ended for good: what is there now is all."""


@dataclass(frozen=True)
class Wait:
    """Nothing can be read yet."""

    why: str


@dataclass(frozen=True)
class Over:
    """Nothing will come any more."""

    end: LogEnd
    why: str = ""


Step = Read | Wait | Over


def next_step(
    pods: Sequence[Pod], container: str, position: LogPosition, *, has_ended: bool, is_whole: bool
) -> Step:
    """`has_ended`: the deploy has, so that no Pod comes after these. `is_whole`: what was read last had come to
    its end."""
    ordered = sorted(pods, key=order)
    for pod in ordered:
        if position.pod and order(pod) < (position.created_at, position.pod):
            continue
        if container and container not in names(pod):
            known = ", ".join(names(pod))
            return Over(LogEnd.NO_CONTAINER, f"there is no container {container!r}: choose {known}")
        if step := _next_of(pod, container, position):
            return step
    if not has_ended:
        return Wait("its Pod" if not ordered else "the end of the deploy")
    return _over(position, is_whole=is_whole)


def _over(position: LogPosition, *, is_whole: bool) -> Over:
    if not position.pod:
        return Over(LogEnd.GONE, "its Pod is not in the cluster any more")
    if position.done or is_whole:
        return Over(LogEnd.COMPLETE)
    return Over(LogEnd.PARTIAL, f"Pod {position.pod} was gone before its log had been read")


def _next_of(pod: Pod, container: str, position: LogPosition) -> Step | None:
    """None where nothing of the Pod is left to read."""
    wanted = [container] if container else sequence(pod)
    if pod.metadata.name == position.pod and position.container in wanted:
        wanted = wanted[wanted.index(position.container) + position.done :]
    for name in wanted:
        status = _status(pod, name)
        if status and has_log(status):
            return Read(pod, name, is_final(pod, status))
        if pod.live:
            return Wait(f"container {name} of {pod.metadata.name}{_reason(status)}")
    return None


def sequence(pod: Pod) -> list[str]:
    """The containers whose logs make up the deploy's: sidecars are left out."""
    mains = [each.name for each in pod.spec.containers]
    named = pod.metadata.annotations.get(DEFAULT_CONTAINER, "")
    inits = [each.name for each in pod.spec.init_containers if each.restart_policy != "Always"]
    return [*inits, named if named in mains else mains[0]] if mains else inits


def names(pod: Pod) -> tuple[str, ...]:
    """All its containers, those that it begins with first."""
    return tuple(each.name for each in (*pod.spec.init_containers, *pod.spec.containers))


def order(pod: Pod) -> tuple[int, str]:
    return milliseconds(pod.metadata.creation_timestamp), pod.metadata.name


def milliseconds(time: datetime | None) -> int:
    return int(time.timestamp() * 1000) if time else 0


def has_log(status: ContainerStatus) -> bool:
    return status.state.running is not None or status.state.terminated is not None


def is_final(pod: Pod, status: ContainerStatus) -> bool:
    ended = status.state.terminated
    if ended is None:
        return False
    policy = pod.spec.restart_policy
    return not pod.live or policy == "Never" or (policy == "OnFailure" and ended.exit_code == 0)


def _status(pod: Pod, container: str) -> ContainerStatus | None:
    known = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    return next((each for each in known if each.name == container), None)


def _reason(status: ContainerStatus | None) -> str:
    waiting = status.state.waiting if status else None
    return f": {waiting.reason}" if waiting and waiting.reason else ""
