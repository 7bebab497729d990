"""The garbage collector: deletes dependents without an owner, and empties namespaces.

It follows Kubernetes' rules, but never lags behind a watch as the real one does.
https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from dispatcher.local.cluster.apimachinery.objects import (
    FOREGROUND,
    ORPHAN,
    Object,
    clone,
    finalizers_of,
    is_deleting,
    meta,
    name_of,
    namespace_of,
    owners_of,
    uid_of,
)
from dispatcher.local.cluster.apimachinery.resources import (
    EVENTS,
    NAMESPACED,
    NAMESPACES,
    RESOURCES,
    Resource,
)
from dispatcher.local.cluster.client.workqueue import WorkQueue
from dispatcher.local.cluster.registry.deletion import DeleteOptions, Propagation
from dispatcher.local.cluster.registry.registry import Registry
from dispatcher.local.cluster.storage.changes import Change, ChangeType

_BACKGROUND = DeleteOptions(propagation=Propagation.BACKGROUND)
_KINDS = {(each.api_version, each.kind): each for each in RESOURCES}

Item = tuple[Resource, str, str]


class GarbageCollector:
    """Deletes objects whose owners are gone, and releases owners whose dependents are gone."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._store = registry.store
        self.queue: WorkQueue[Item] = WorkQueue(self._reconcile)
        self._store.listen(self._on_change)

    def _on_change(self, change: Change) -> None:
        obj = change.object
        if change.resource == EVENTS and not is_deleting(obj):
            return
        if change.type is not ChangeType.DELETED:
            if change.resource != EVENTS:
                self.queue.add((change.resource, namespace_of(obj), name_of(obj)))
            return
        for resource, dependent in self._store.dependents(uid_of(obj)):
            self.queue.add((resource, namespace_of(dependent), name_of(dependent)))
        for owner in owners_of(obj):
            if kind := _KINDS.get((owner.get("apiVersion", ""), owner.get("kind", ""))):
                self.queue.add((kind, namespace_of(obj), str(owner.get("name"))))
        if change.resource.namespaced:
            self.queue.add((NAMESPACES, "", namespace_of(obj)))

    def _reconcile(self, item: Item) -> None:
        resource, namespace, name = item
        obj = self._store.get(resource, namespace, name)
        if obj is None:
            return
        if not is_deleting(obj):
            self._collect(resource, obj)
        elif resource == NAMESPACES:
            self._empty(obj)
        elif ORPHAN in finalizers_of(obj):
            self._orphan(resource, obj)
        elif FOREGROUND in finalizers_of(obj):
            self._cascade(resource, obj)

    def _collect(self, resource: Resource, obj: Object) -> None:
        """Deletes an object whose owners are all gone."""
        owners = owners_of(obj)
        if owners and not any(self._lives(owner, namespace_of(obj)) for owner in owners):
            self._delete(resource, obj)

    def _lives(self, owner: Object, namespace: str) -> bool:
        kind = _KINDS.get((owner.get("apiVersion", ""), owner.get("kind", "")))
        if kind is None:
            return True
        home = namespace if kind.namespaced else ""
        return self._store.exists(str(owner.get("uid")), kind, home, str(owner.get("name")))

    def _delete(self, resource: Resource, obj: Object) -> None:
        if not is_deleting(obj):
            options = DeleteOptions(propagation=Propagation.BACKGROUND, uid=uid_of(obj))
            self._registry.delete(resource, namespace_of(obj), name_of(obj), options)

    def _cascade(self, resource: Resource, obj: Object) -> None:
        """Foreground: the owner stays until the dependents that block it are gone."""
        blocking = False
        for kind, dependent in self._store.dependents(uid_of(obj)):
            self._delete(kind, dependent)
            mine = [each for each in owners_of(dependent) if each.get("uid") == uid_of(obj)]
            still_there = self._store.exists(
                uid_of(dependent), kind, namespace_of(dependent), name_of(dependent)
            )
            blocking |= still_there and any(each.get("blockOwnerDeletion") for each in mine)
        if not blocking:
            self._registry.release(resource, obj, FOREGROUND)

    def _orphan(self, resource: Resource, obj: Object) -> None:
        """The dependents stay, and forget their owner."""
        for kind, dependent in self._store.dependents(uid_of(obj)):
            freed = clone(dependent)
            left = [each for each in owners_of(dependent) if each.get("uid") != uid_of(obj)]
            if left:
                meta(freed)["ownerReferences"] = left
            else:
                meta(freed).pop("ownerReferences")
            self._registry.write(kind, dependent, freed)
        self._registry.release(resource, obj, ORPHAN)

    def _empty(self, namespace: Object) -> None:
        """Deletes what is in a namespace, and the namespace when nothing is left."""
        left = False
        for resource in NAMESPACED:
            for obj in self._store.all(resource, name_of(namespace)):
                if not is_deleting(obj):
                    gone = self._registry.delete(
                        resource, namespace_of(obj), name_of(obj), _BACKGROUND
                    )[1]
                    left |= not gone
                else:
                    left = True
        if not left:
            freed = clone(namespace)
            freed["spec"] = {}
            self._registry.write(NAMESPACES, namespace, freed)
