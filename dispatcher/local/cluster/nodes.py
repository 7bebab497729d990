"""The one node as an object: what it is, and how it is. Pure.

Two annotations stand for what happens to real machines and can't be asked of them by the API:

    local.git-dispatcher/power: "off"         it loses its power, with all that runs there
    local.git-dispatcher/pressure: memory     it runs short of memory, or `disk`, or `pid`
"""

import platform
import sys

from dispatcher.local.cluster.objects import Object, annotations_of, clone
from dispatcher.local.cluster.podstatus import ADDRESS, NODE, Failure

POWER = "local.git-dispatcher/power"
PRESSURE = "local.git-dispatcher/pressure"

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Nothing is measured, so it offers more than any sensible Pod asks for.
_CAPACITY = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "1000"}
_UNREACHABLE = "node.kubernetes.io/unreachable"
_PRESSURES = {
    "memory": ("MemoryPressure", "node.kubernetes.io/memory-pressure", "memory"),
    "disk": ("DiskPressure", "node.kubernetes.io/disk-pressure", "ephemeral-storage"),
    "pid": ("PIDPressure", "node.kubernetes.io/pid-pressure", "pids"),
}
_OURS = {_UNREACHABLE, *(taint for _, taint, _ in _PRESSURES.values())}


def is_off(node: Object) -> bool:
    return annotations_of(node).get(POWER) == "off"


def eviction(node: Object) -> Failure | None:
    """Why a node under pressure evicts its Pods.

    https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
    """
    pressure = _PRESSURES.get(annotations_of(node).get(PRESSURE, ""))
    if pressure is None:
        return None
    message = f"The node was low on resource: {pressure[2]}. "
    return Failure("Evicted", message, "TerminationByKubelet")


def new_node() -> Object:
    """The node on its first day."""
    labels = {
        "kubernetes.io/arch": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "kubernetes.io/hostname": NODE,
        "kubernetes.io/os": sys.platform,
    }
    return {"metadata": {"name": NODE, "labels": labels}, "spec": {}}


def status() -> Object:
    """The status of a node that is well."""
    return {
        "capacity": dict(_CAPACITY),
        "allocatable": dict(_CAPACITY),
        "addresses": [
            {"type": "InternalIP", "address": ADDRESS},
            {"type": "Hostname", "address": NODE},
        ],
        "conditions": [],
    }


def observed(node: Object, moment: str) -> Object:
    """The node with the conditions and taints that its annotations mean."""
    seen = clone(node)
    known = {each["type"]: each for each in seen["status"].get("conditions") or []}
    wanted = _conditions(node)
    seen["status"]["conditions"] = [
        _dated(each, known.get(each["type"]), moment) for each in wanted
    ]
    taints = [each for each in seen["spec"].get("taints") or [] if each["key"] not in _OURS]
    taints += [{"key": key, "effect": "NoSchedule"} for key in _taints(node)]
    if taints:
        seen["spec"]["taints"] = taints
    else:
        seen["spec"].pop("taints", None)
    return seen


def _conditions(node: Object) -> list[Object]:
    pressed = annotations_of(node).get(PRESSURE)
    conditions = []
    for name, (kind, _, _) in _PRESSURES.items():
        holds = name == pressed
        reason = f"KubeletHas{'' if holds else 'No'}{kind}"
        conditions.append({"type": kind, "status": str(holds), "reason": reason})
    conditions.append({"type": "Ready", "status": "True", "reason": "KubeletReady"})
    if is_off(node):
        silence = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
        conditions = [each | silence | {"status": "Unknown"} for each in conditions]
    return conditions


def _dated(wanted: Object, known: Object | None, moment: str) -> Object:
    same = known is not None and known["status"] == wanted["status"]
    when = known["lastTransitionTime"] if known and same else moment
    return wanted | {"lastTransitionTime": when}


def _taints(node: Object) -> list[str]:
    pressure = _PRESSURES.get(annotations_of(node).get(PRESSURE, ""))
    return [*([_UNREACHABLE] if is_off(node) else []), *([pressure[1]] if pressure else [])]
