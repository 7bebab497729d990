"""The store of objects: their present state, one growing version, and the latest changes per kind.

The only place that holds objects: in memory, from where they are read, and in a file, which each
write reaches first. It knows no rules of Kubernetes beyond versions. It must be used from one thread.

The first version ever is the wall clock's milliseconds, so that versions keep growing even if the file was
deleted: a client that comes back with an earlier version gets "expired".
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from dispatcher.local.cluster.apimachinery.objects import (
    Clock,
    Object,
    meta,
    name_of,
    namespace_of,
    owners_of,
    uid_of,
)
from dispatcher.local.cluster.apimachinery.resources import RESOURCES, Resource
from dispatcher.local.cluster.storage.changes import Change, ChangeType, History, Key
from dispatcher.local.cluster.storage.database import Database

Listener = Callable[[Change], None]


class Store:
    """Objects by kind, namespace and name. The caller must not change an object that it has put."""

    def __init__(self, database: Database, clock: Clock, window: int = 5000) -> None:
        self._database = database
        self.version = database.version() or int(clock().timestamp() * 1000)
        self._objects: dict[Resource, dict[Key, Object]] = {each: {} for each in RESOURCES}
        self._history = History(self.version, window)
        self._dependents: dict[str, set[tuple[Resource, Key]]] = {}
        self._listeners: list[Listener] = []
        for resource, obj in database.objects():
            key = (namespace_of(obj), name_of(obj))
            self._objects[resource][key] = obj
            self._index(resource, key, None, obj)

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self._objects[resource].get((namespace, name))

    def all(
        self, resource: Resource, namespace: str = "", version: int | None = None
    ) -> list[Object]:
        """All objects of a kind, of one namespace or of all, ordered like the API's lists.

        At a version they are what they were then; raises `ExpiredError`.
        """
        found = self._objects[resource]
        if version is not None:
            found = self._history.look_back(resource, found, version)
        keys = sorted(key for key in found if not namespace or key[0] == namespace)
        return [found[key] for key in keys]

    def put(self, resource: Resource, obj: Object) -> Object:
        """Adds or replaces an object under the next version."""
        key = (namespace_of(obj), name_of(obj))
        previous = self._objects[resource].get(key)
        version = self.version + 1
        meta(obj)["resourceVersion"] = str(version)
        self._database.put(resource, obj, version)
        self.version = version
        self._objects[resource][key] = obj
        self._index(resource, key, previous, obj)
        change = ChangeType.MODIFIED if previous else ChangeType.ADDED
        self._emit(Change(version, change, resource, obj, previous))
        return obj

    def remove(self, resource: Resource, namespace: str, name: str) -> Object:
        """Takes an object out; its last state is returned at the version of the removal."""
        previous = self._objects[resource][namespace, name]
        version = self.version + 1
        self._database.remove(resource, previous, version)
        self.version = version
        del self._objects[resource][namespace, name]
        last = previous | {"metadata": meta(previous) | {"resourceVersion": str(version)}}
        self._index(resource, (namespace, name), previous, None)
        self._emit(Change(version, ChangeType.DELETED, resource, last, previous))
        return last

    def step(self) -> AbstractContextManager[None]:
        """A transaction: after a restart, all that is written within is there, or nothing of it."""
        return self._database.step()

    def exists(self, uid: str, resource: Resource, namespace: str, name: str) -> bool:
        found = self.get(resource, namespace, name)
        return found is not None and uid_of(found) == uid

    def dependents(self, uid: str) -> list[tuple[Resource, Object]]:
        """The objects that name this uid as an owner."""
        keys = sorted(self._dependents.get(uid, ()), key=lambda each: (each[0].plural, each[1]))
        return [(resource, self._objects[resource][key]) for resource, key in keys]

    def changes_since(self, resource: Resource, version: int) -> list[Change]:
        """The kept changes after a version; raises `ExpiredError` when some are gone."""
        return self._history.since(resource, version)

    def compact(self) -> None:
        """Forgets all changes, so that every version before the present one has expired."""
        self._history.forget(self.version)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls the listener within every write, so it must be quick. Returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def replay(self) -> None:
        """Notifies the listeners of every object, since after a start they know none."""
        present = [(each, key) for each in RESOURCES for key in self._objects[each]]
        for resource, key in present:
            if obj := self.get(resource, *key):
                self._notify(Change(self.version, ChangeType.ADDED, resource, obj))

    def _emit(self, change: Change) -> None:
        self._history.append(change)
        self._notify(change)

    def _notify(self, change: Change) -> None:
        for listener in tuple(self._listeners):
            listener(change)

    def _index(
        self, resource: Resource, key: Key, before: Object | None, after: Object | None
    ) -> None:
        for uid in _owner_uids(before):
            held = self._dependents.get(uid, set())
            held.discard((resource, key))
            if not held:
                self._dependents.pop(uid, None)
        for uid in _owner_uids(after):
            self._dependents.setdefault(uid, set()).add((resource, key))


def _owner_uids(obj: Object | None) -> Iterable[str]:
    return [str(owner.get("uid", "")) for owner in owners_of(obj)] if obj else ()
