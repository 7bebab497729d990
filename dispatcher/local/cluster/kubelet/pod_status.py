"""A Pod's status, made from the states of its containers. Pure.

https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kubelet_pods.go
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.local.cluster.apimachinery.nodes import ADDRESS
from dispatcher.local.cluster.apimachinery.objects import Object, timestamp


@dataclass(frozen=True, slots=True)
class Waiting:
    reason: str = "ContainerCreating"
    message: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    started: datetime


@dataclass(frozen=True, slots=True)
class Terminated:
    code: int
    reason: str
    message: str
    started: datetime | None
    finished: datetime | None

    @property
    def succeeded(self) -> bool:
        return self.code == 0


State = Waiting | Running | Terminated


@dataclass(slots=True)
class Container:
    """What is known of one container; `last` is how the attempt before ended."""

    spec: Object
    state: State = Waiting()
    last: Terminated | None = None
    restarts: int = 0

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def has_ended(self) -> bool:
        return isinstance(self.state, Terminated)

    @property
    def has_succeeded(self) -> bool:
        return isinstance(self.state, Terminated) and self.state.succeeded


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a Pod fails, whatever its containers say. `disruption` is the reason if the Pod isn't at fault.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
    """

    reason: str
    message: str
    disruption: str = ""


@dataclass(slots=True)
class PodState:
    """All that a Pod's status is made from. `failure` overrides the containers.

    `terminal` says that nothing of the Pod will run any more.
    """

    init: Sequence[Container]
    main: Sequence[Container]
    policy: str
    started: datetime
    terminal: bool = False
    failure: Failure | None = None

    @property
    def initialized(self) -> bool:
        return all(each.has_succeeded for each in self.init)


_UNLOCATED = Terminated(
    137,
    "ContainerStatusUnknown",
    "The container could not be located when the pod was terminated",
    None,
    None,
)


def ended(code: int, started: datetime, finished: datetime) -> Terminated:
    return Terminated(code, "Error" if code else "Completed", "", started, finished)


def not_started(message: str) -> Terminated:
    """The end of a command that can't be run, as container runtimes report it.

    https://github.com/containerd/containerd/blob/main/internal/cri/server/container_start.go
    """
    return Terminated(128, "StartError", message, None, None)


def restarts(policy: str, state: State) -> bool:
    """Whether a container in this state is started again."""
    if not isinstance(state, Terminated) or policy == "Never":
        return False
    return policy == "Always" or not state.succeeded


def phase_of(pod: PodState) -> str:
    if pod.terminal and (pod.failure or not pod.initialized):
        return "Failed"
    if pod.terminal:
        return "Succeeded" if all(each.has_succeeded for each in pod.main) else "Failed"
    if any(isinstance(each.state, Waiting) and each.last is None for each in pod.main):
        return "Pending"
    return "Running"


def status_of(pod: PodState, qos: str = "BestEffort") -> Object:
    """The status as the API has it."""
    status: Object = {
        "phase": phase_of(pod),
        "conditions": _conditions(pod),
        "hostIP": ADDRESS,
        "hostIPs": [{"ip": ADDRESS}],
        "podIP": ADDRESS,
        "podIPs": [{"ip": ADDRESS}],
        "startTime": timestamp(pod.started),
        "containerStatuses": [_container(each, pod) for each in pod.main],
        "qosClass": qos,
    }
    if pod.init:
        status["initContainerStatuses"] = [_container(each, pod) for each in pod.init]
    if pod.terminal:
        terminate(status)
    if pod.terminal and pod.failure:
        status["reason"], status["message"] = pod.failure.reason, pod.failure.message
    return status


def _conditions(pod: PodState) -> list[Object]:
    phase = phase_of(pod)
    ready = not pod.terminal and all(isinstance(each.state, Running) for each in pod.main)
    why = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase, "ContainersNotReady")
    initialized = pod.initialized or phase == "Succeeded"
    conditions = [
        _condition("PodReadyToStartContainers", not pod.terminal, "", pod),
        _condition("Initialized", initialized, "ContainersNotInitialized", pod),
        _condition("Ready", ready, why, pod),
        _condition("ContainersReady", ready, why, pod),
        _condition("PodScheduled", True, "", pod),
    ]
    if pod.failure and pod.failure.disruption:
        said = {"reason": pod.failure.disruption, "message": pod.failure.message}
        conditions.append(_condition("DisruptionTarget", True, "", pod) | said)
    return conditions


def _condition(kind: str, holds: bool, reason: str, pod: PodState) -> Object:
    condition = {
        "type": kind,
        "status": "True" if holds else "False",
        "lastProbeTime": None,
        "lastTransitionTime": timestamp(pod.started),
    }
    return condition | ({"reason": reason} if reason and not holds else {})


def _container(container: Container, pod: PodState) -> Object:
    state = container.state
    status: Object = {
        "name": container.name,
        "image": container.spec.get("image", ""),
        "imageID": "",
        "ready": isinstance(state, Running) or (container in pod.init and container.has_succeeded),
        "started": isinstance(state, Running),
        "restartCount": container.restarts,
        "state": _state(state),
        "lastState": _state(container.last) if container.last else {},
    }
    if not isinstance(state, Waiting) or container.last:
        status["containerID"] = f"local://{container.name}-{container.restarts}"
    return status


def terminate(status: Object) -> None:
    """Ends the containers of a Pod that is over, in place, as its kubelet would. Those that come after a
    failed init container go on waiting; of all others nobody knows how they ended.

    https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/status/status_manager.go (TerminatePod)
    """
    inits: list[Object] = status.get("initContainerStatuses") or []
    mains: list[Object] = status.get("containerStatuses") or []
    reached = [each for each in mains if _is_initialized(inits, mains)]
    for container in (*_reached_inits(inits), *reached):
        if "terminated" not in container["state"]:
            container |= {"state": _state(_UNLOCATED), "ready": False, "started": False}


def _is_initialized(inits: list[Object], mains: list[Object]) -> bool:
    if not inits or any(map(_has_left_waiting, mains)):
        return True
    states = (inits[-1].get("lastState") or {}, inits[-1]["state"])
    return any(each.get("terminated", {}).get("exitCode") == 0 for each in states)


def _reached_inits(inits: list[Object]) -> list[Object]:
    """The init containers up to the last one that was started; the first one in any case."""
    begun = [place for place, each in enumerate(inits, 1) if _has_left_waiting(each)]
    return inits[: max(begun, default=1)]


def _has_left_waiting(container: Object) -> bool:
    return "waiting" not in container["state"] or bool(container.get("lastState"))


def _state(state: State) -> Object:
    match state:
        case Waiting(reason, message):
            return {"waiting": {"reason": reason} | ({"message": message} if message else {})}
        case Running(started):
            return {"running": {"startedAt": timestamp(started)}}
        case Terminated(code, reason, message, began, finished):
            terminated: Object = {"exitCode": code, "reason": reason}
            if message:
                terminated["message"] = message
            terminated["startedAt"] = timestamp(began) if began else None
            terminated["finishedAt"] = timestamp(finished) if finished else None
            return {"terminated": terminated}
