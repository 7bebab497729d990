"""The node as the cluster sees it: its labels, capacity, conditions and taints."""

import platform
import sys

from dispatcher.local.cluster.apimachinery.nodes import (
    ADDRESS,
    NODE,
    PRESSURES,
    is_off,
    pressure_on,
)
from dispatcher.local.cluster.apimachinery.objects import Object, clone

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Nothing is measured, so the node offers more than any sensible Pod asks for.
_CAPACITY = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "1000"}
_UNREACHABLE = "node.kubernetes.io/unreachable"
_OURS = {_UNREACHABLE, *(each.taint for each in PRESSURES.values())}


def new_node() -> Object:
    """The node as it is when the cluster is new."""
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
    """The node with the conditions and taints that its annotations stand for."""
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
    pressed = pressure_on(node)
    conditions = []
    for pressure in PRESSURES.values():
        holds = pressure == pressed
        reason = f"KubeletHas{'' if holds else 'No'}{pressure.condition}"
        conditions.append({"type": pressure.condition, "status": str(holds), "reason": reason})
    conditions.append({"type": "Ready", "status": "True", "reason": "KubeletReady"})
    if is_off(node):
        unknown = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
        conditions = [each | unknown | {"status": "Unknown"} for each in conditions]
    return conditions


def _dated(wanted: Object, known: Object | None, moment: str) -> Object:
    same = known is not None and known["status"] == wanted["status"]
    when = known["lastTransitionTime"] if known and same else moment
    return wanted | {"lastTransitionTime": when}


def _taints(node: Object) -> list[str]:
    pressed = pressure_on(node)
    return [*([_UNREACHABLE] if is_off(node) else []), *([pressed.taint] if pressed else [])]
