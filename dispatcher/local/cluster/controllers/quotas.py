"""The quota controller: keeps each ResourceQuota's status, what it allows and what is used of it.

https://kubernetes.io/docs/concepts/policy/resource-quotas/#object-count-quota
"""

from dispatcher.local.cluster.admission.quotas import usage
from dispatcher.local.cluster.apimachinery.objects import (
    Object,
    clone,
    name_of,
    namespace_of,
)
from dispatcher.local.cluster.apimachinery.resources import (
    EVENTS,
    QUOTAS,
)
from dispatcher.local.cluster.client.workqueue import WorkQueue
from dispatcher.local.cluster.storage.changes import Change, Key
from dispatcher.local.cluster.storage.store import Store


class QuotaController:
    """Keeps each quota's status: what it allows and what is used of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.queue: WorkQueue[Key] = WorkQueue(self._reconcile)
        store.listen(self._on_change)

    def _on_change(self, change: Change) -> None:
        if change.resource.namespaced and change.resource != EVENTS:
            for quota in self._store.all(QUOTAS, namespace_of(change.object)):
                self.queue.add((namespace_of(quota), name_of(quota)))

    def _reconcile(self, key: Key) -> None:
        quota = self._store.get(QUOTAS, *key)
        if quota is None:
            return
        hard = quota["spec"].get("hard") or {}
        status: Object = {"hard": hard, "used": usage(self._store, key[0], hard)}
        if quota["status"] != status:
            self._store.put(QUOTAS, clone(quota) | {"status": status})
