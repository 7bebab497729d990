"""The status of a Pod whose node was switched off and on again. Pure.

Containers don't outlive the cluster, so its start is that of a node. A real kubelet finds none of
the containers that it knows of and says so; it starts what it hadn't started yet.
https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kubelet_pods.go
"""

from datetime import datetime

from dispatcher.local.cluster.apimachinery.conditions import keep_transition_times
from dispatcher.local.cluster.apimachinery.objects import Object, clone, is_deleting, is_terminal
from dispatcher.local.cluster.kubelet.pod_status import terminate

_KINDS = ("initContainerStatuses", "containerStatuses")


def is_over(pod: Object) -> bool:
    """Whether nothing of the Pod may be started any more.

    The kubelet writes that a container may run before it starts it. So a container that waits for something
    it names has not run, and any other may have.
    """
    return is_terminal(pod) or is_deleting(pod) or any(map(_may_have_run, _statuses(pod)))


def _statuses(pod: Object) -> list[Object]:
    status = pod.get("status") or {}
    return [each for kind in _KINDS for each in status.get(kind) or []]


def _may_have_run(container: Object) -> bool:
    waiting = (container.get("state") or {}).get("waiting")
    if waiting is None or container.get("lastState"):
        return True
    return waiting["reason"] == "ContainerCreating" and "message" not in waiting


def status_after(pod: Object, now: datetime) -> Object:
    """The status of a Pod after the reboot: failed, unless it had ended before."""
    status = clone(pod["status"])
    if is_terminal(pod):
        return status
    terminate(status)
    for condition in status.get("conditions") or []:
        if condition["type"] in ("Ready", "ContainersReady", "PodReadyToStartContainers"):
            condition |= {"status": "False", "reason": "PodFailed"}
    keep_transition_times(pod["status"], status, now)
    return status | {"phase": "Failed"}
