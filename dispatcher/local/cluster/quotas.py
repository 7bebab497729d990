"""How many objects a namespace may have: what is counted, what is too much, and the quota's status.

Amounts of processors and memory aren't counted, since here nobody measures them.
https://kubernetes.io/docs/concepts/policy/resource-quotas/#object-count-quota
"""

from dispatcher.local.cluster.changes import Change, Key
from dispatcher.local.cluster.objects import Object, clone, is_terminal, name_of, namespace_of
from dispatcher.local.cluster.quantities import parse
from dispatcher.local.cluster.resources import EVENTS, NAMESPACED, PODS, QUOTAS, Resource
from dispatcher.local.cluster.store import Store
from dispatcher.local.cluster.workqueue import WorkQueue

_OLD_NAMES = ("pods", "secrets", "configmaps", "resourcequotas")


def names_of(resource: Resource) -> list[str]:
    """What a kind is called in quotas: `count/jobs.batch`, and for some `pods`, too."""
    old = [resource.plural] if resource.plural in _OLD_NAMES and not resource.group else []
    return [f"count/{resource.qualified}", *old]


_BY_NAME = {name: each for each in NAMESPACED for name in names_of(each)}


def used(store: Store, namespace: str, name: str) -> int:
    """How many there are; by their old name only Pods count that haven't ended."""
    found = store.all(_BY_NAME[name], namespace)
    return sum(not (name == PODS.plural and is_terminal(obj)) for obj in found)


def exceeded(store: Store, resource: Resource, namespace: str) -> str:
    """What one more object of a kind would exceed; nothing, if there is room for it."""
    for quota in store.all(QUOTAS, namespace):
        hard = quota["status"].get("hard") or {}
        for name in names_of(resource):
            if name in hard and used(store, namespace, name) + 1 > parse(hard[name]):
                numbers = f"used: {name}={used(store, namespace, name)}, limited: {name}="
                return (
                    f"exceeded quota: {name_of(quota)}, requested: {name}=1, {numbers}{hard[name]}"
                )
    return ""


class QuotaController:
    """Keeps each quota's status: what it allows and what is used of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.queue: WorkQueue[Key] = WorkQueue(self._reconcile)
        store.listen(self._note)

    def _note(self, change: Change) -> None:
        if change.resource.namespaced and change.resource != EVENTS:
            for quota in self._store.all(QUOTAS, namespace_of(change.object)):
                self.queue.add((namespace_of(quota), name_of(quota)))

    def _reconcile(self, key: Key) -> None:
        quota = self._store.get(QUOTAS, *key)
        if quota is None:
            return
        hard = quota["spec"].get("hard") or {}
        counted = {name: str(used(self._store, key[0], name)) for name in hard if name in _BY_NAME}
        status: Object = {"hard": hard, "used": counted}
        if quota["status"] != status:
            self._store.put(QUOTAS, clone(quota) | {"status": status})
