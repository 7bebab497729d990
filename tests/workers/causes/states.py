"""States of Pods and Jobs as kubelets and the Job controller report them: what a test need not spell out.

From Kubernetes' own source: pkg/kubelet/kubelet_pods.go (convertToAPIContainerStatuses), status_manager.go
(TerminatePod), kubelet.go (rejectPod), active_deadline.go, eviction/, nodeshutdown/, images/types.go and
pkg/controller/job/job_controller.go.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dispatcher.domain.observed_job import ObservedJob
from workers.kube.objects import Job, Pod
from workers.plan.observed_state import observe_job, observe_pods

Json = dict[str, Any]
LOST = "The container could not be located when the pod was terminated"


def at(second: int) -> str:
    return f"2030-01-01T10:{second // 60:02}:{second % 60:02}Z"


def running() -> Json:
    return {"state": {"running": {"startedAt": at(2)}}, "containerID": "containerd://1"}


def waiting(reason: str, message: str = "", last: Json | None = None) -> Json:
    state = {"waiting": {"reason": reason} | ({"message": message} if message else {})}
    return {"state": state} | ({"lastState": {"terminated": last}} if last else {})


def end(code: int, finished: int = 5, reason: str = "", message: str = "") -> Json:
    """A container that the runtime has seen to its end."""
    reason = reason or ("Error" if code else "Completed")
    times = {"startedAt": at(1), "finishedAt": at(finished)}
    return {"exitCode": code, "reason": reason, "message": message, **times}


def ended(code: int, finished: int = 5, reason: str = "", message: str = "") -> Json:
    return {
        "state": {"terminated": end(code, finished, reason, message)},
        "containerID": "containerd://1",
    }


def unlocated(*, ran: bool = False) -> Json:
    """What TerminatePod makes of a container that has no end; without an id it was never created."""
    terminated = {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": LOST,
        "startedAt": None,
        "finishedAt": None,
    }
    return {"state": {"terminated": terminated}} | (
        {"containerID": "containerd://1"} if ran else {}
    )


def pod(phase: str, *, init: Json | None = None, **more: Any) -> Pod:
    """A Pod of a Job, by default of the short form: `clone`, then `deploy`.

    `containers` and `init` are states by container, `sidecars` init containers that run beside the others.
    """
    init = {"clone": ended(0, 2)} if init is None else init
    sidecars: Json = more.pop("sidecars", {})
    specs: list[Json] = [{"name": name} for name in init]
    specs += [{"name": name, "restartPolicy": "Always"} for name in sidecars]
    metadata = {
        "name": more.pop("name", "shop-1-x"),
        "uid": more.pop("name_uid", "pod"),
        "namespace": "ns",
        "creationTimestamp": at(more.pop("born", 0)),
        "labels": {"batch.kubernetes.io/controller-uid": "u"},
    }
    if more.pop("deleted", False):
        metadata["deletionTimestamp"] = at(9)
    spec: Json = {"restartPolicy": "Never", "initContainers": specs}
    if timeout := more.pop("timeout", 0):
        spec["activeDeadlineSeconds"] = timeout
    containers: Json = more.pop("containers", {})
    status = {
        "phase": phase,
        "initContainerStatuses": _statuses(init | sidecars),
        "containerStatuses": _statuses(containers),
        **more,
    }
    return msgspec.convert({"metadata": metadata, "spec": spec, "status": status}, Pod)


def _statuses(states: Json) -> list[Json]:
    return [{"name": name, **state} for name, state in states.items()]


def job(reason: str = "", message: str = "", timeout: int = 0, deadline: int = 0) -> ObservedJob:
    """What a Job says by itself; with a reason, it has failed."""
    conditions = [{"type": "Failed", "status": "True", "reason": reason, "message": message}]
    spec: Json = {"template": {"spec": {"activeDeadlineSeconds": timeout or None}}}
    spec["activeDeadlineSeconds"] = deadline or None
    body = {
        "metadata": {"name": "shop-1", "namespace": "ns", "uid": "u"},
        "spec": spec,
        "status": {"conditions": conditions if reason else []},
    }
    return observe_job(msgspec.convert(body, Job))[1]


def failed(*pods: Pod) -> ObservedJob:
    """The observed state of a Job whose Pods failed once too often."""
    text = "Job has reached the specified backoff limit"
    return observe_pods(job("BackoffLimitExceeded", text), pods, None)


def starting(*pods: Pod) -> ObservedJob:
    """The observed state of a Job that goes on."""
    return observe_pods(job(), pods, None)
