"""The scheduler's filters: whether a Pod fits on the node, and if not, why. Pure.

There is one node, and nothing measures what runs there: a Pod's requests are compared with the whole node.
Affinity and topology are ignored.
https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
"""

from collections.abc import Sequence
from decimal import Decimal

from dispatcher.local.cluster.apimachinery.nodes import taints_of, tolerates
from dispatcher.local.cluster.apimachinery.objects import Object, labels_of
from dispatcher.local.cluster.apimachinery.quantities import parse


def obstacles(pod: Object, node: Object) -> list[str]:
    """Why the Pod doesn't fit, in the scheduler's words; nothing, if it does."""
    spec = pod["spec"]
    selector: dict[str, str] = spec.get("nodeSelector") or {}
    if not selector.items() <= labels_of(node).items():
        return ["didn't match Pod's node affinity/selector"]
    for taint in taints_of(node):
        if taint["effect"] != "PreferNoSchedule" and not tolerates(spec, taint):
            return [_words(taint)]
    allocatable: dict[str, str] = node["status"]["allocatable"]
    asked = requests(spec)
    return [f"Insufficient {each}" for each in sorted(asked) if _lacks(asked, allocatable, each)]


def message(reasons: Sequence[str]) -> str:
    return f"0/1 nodes are available: {', '.join(f'1 {_plural(each)}' for each in reasons)}."


def _plural(reason: str) -> str:
    return reason if reason.startswith("Insufficient") else f"node(s) {reason}"


def _lacks(asked: dict[str, Decimal], allocatable: dict[str, str], name: str) -> bool:
    return asked[name] > parse(allocatable.get(name, 0))


def _words(taint: Object) -> str:
    if taint["key"] == "node.kubernetes.io/unschedulable":
        return "were unschedulable"
    return f"had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"


def requests(spec: Object) -> dict[str, Decimal]:
    """What the Pod needs at once: all containers together, or the greediest init container."""
    most: dict[str, Decimal] = {}
    for container in spec.get("containers") or []:
        for name, amount in _requests(container).items():
            most[name] = most.get(name, Decimal(0)) + amount
    for container in spec.get("initContainers") or []:
        for name, amount in _requests(container).items():
            most[name] = max(most.get(name, Decimal(0)), amount)
    return most


def _requests(container: Object) -> dict[str, Decimal]:
    """A limit without a request is a request, too."""
    resources = container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: parse(amount) for name, amount in asked.items()}
