"""How many objects a namespace may have: what is counted, what is too much, and the quota's status.

Amounts of processors and memory aren't counted, since nothing measures them here.
https://kubernetes.io/docs/concepts/policy/resource-quotas/#object-count-quota
"""

from collections.abc import Iterable

from dispatcher.local.cluster.apimachinery.objects import (
    is_terminal,
    name_of,
)
from dispatcher.local.cluster.apimachinery.quantities import parse
from dispatcher.local.cluster.apimachinery.resources import (
    NAMESPACED,
    PODS,
    QUOTAS,
    Resource,
)
from dispatcher.local.cluster.storage.store import Store

_OLD_NAMES = ("pods", "secrets", "configmaps", "resourcequotas")


def names_of(resource: Resource) -> list[str]:
    """What a kind is called in quotas: `count/jobs.batch`, and for some `pods`, too."""
    old = [resource.plural] if resource.plural in _OLD_NAMES and not resource.group else []
    return [f"count/{resource.qualified}", *old]


_BY_NAME = {name: each for each in NAMESPACED for name in names_of(each)}


def used(store: Store, namespace: str, name: str) -> int:
    """How many objects count; under the old name `pods`, only Pods that haven't ended."""
    found = store.all(_BY_NAME[name], namespace)
    return sum(not (name == PODS.plural and is_terminal(obj)) for obj in found)


def usage(store: Store, namespace: str, names: Iterable[str]) -> dict[str, str]:
    """How much is used of each of these names, as in a quota's status; leaves out names that aren't counted."""
    return {name: str(used(store, namespace, name)) for name in names if name in _BY_NAME}


def exceeded(store: Store, resource: Resource, namespace: str) -> str:
    """Which quota one more object of a kind would exceed, as a message; "" if there is room for it."""
    for quota in store.all(QUOTAS, namespace):
        hard = quota["status"].get("hard") or {}
        for name in names_of(resource):
            if name in hard and used(store, namespace, name) + 1 > parse(hard[name]):
                numbers = f"used: {name}={used(store, namespace, name)}, limited: {name}="
                return (
                    f"exceeded quota: {name_of(quota)}, requested: {name}=1, {numbers}{hard[name]}"
                )
    return ""
