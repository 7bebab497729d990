"""The one node, as all parts know it: its name, its simulated faults, its taints. Pure.

Two annotations stand for what happens to real machines and what no API call can cause:

    local.git-dispatcher/power: "off"         the node loses its power, with all that runs there
    local.git-dispatcher/pressure: memory     the node runs short of memory, or `disk`, or `pid`
"""

from dataclasses import dataclass
from typing import Any

from dispatcher.local.cluster.apimachinery.objects import Object, annotations_of

NODE = "local"
ADDRESS = "127.0.0.1"

POWER = "local.git-dispatcher/power"
PRESSURE = "local.git-dispatcher/pressure"


@dataclass(frozen=True, slots=True)
class Pressure:
    """What a node lacks, as its condition, its taint and its evictions name it.

    https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
    """

    condition: str
    taint: str
    resource: str


PRESSURES = {
    "memory": Pressure("MemoryPressure", "node.kubernetes.io/memory-pressure", "memory"),
    "disk": Pressure("DiskPressure", "node.kubernetes.io/disk-pressure", "ephemeral-storage"),
    "pid": Pressure("PIDPressure", "node.kubernetes.io/pid-pressure", "pids"),
}


def is_off(node: Object) -> bool:
    return annotations_of(node).get(POWER) == "off"


def pressure_on(node: Object) -> Pressure | None:
    """What the node is short of, if anything."""
    return PRESSURES.get(annotations_of(node).get(PRESSURE, ""))


def taints_of(node: Object) -> list[Object]:
    """The node's taints; a cordoned node has one more.

    https://kubernetes.io/docs/reference/labels-annotations-taints/#node-kubernetes-io-unschedulable
    """
    spec = node.get("spec") or {}
    cordon = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    return [*(spec.get("taints") or []), *([cordon] if spec.get("unschedulable") else [])]


def tolerates(spec: Object, taint: Object) -> bool:
    """https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""
    return any(_matches(each, taint) for each in spec.get("tolerations") or [])


def _matches(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator") == "Exists":
        return True
    same: Any = toleration.get("value", "") == taint.get("value", "")
    return bool(toleration.get("key")) and bool(same)
