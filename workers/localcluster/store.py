"""What the cluster remembers: objects, one growing version, and the latest changes per kind.

The only place that holds objects, kept behind this class so that a file can replace the memory.
It knows no rules of Kubernetes beyond versions, and it must be used from one thread.

Versions start at the wall clock's milliseconds, so that they go on growing over restarts: who
comes back with a version from before is told that it has expired, not left waiting for it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from workers.localcluster.errors import ExpiredError
from workers.localcluster.objects import (
    Clock,
    Object,
    meta,
    name_of,
    namespace_of,
    owners_of,
    uid_of,
)
from workers.localcluster.resources import RESOURCES, Resource


class ChangeType(StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `object` is the state after it (of a removal: the last state, at the removal's
    version), `previous` the state before it."""

    version: int
    type: ChangeType
    resource: Resource
    object: Object
    previous: Object | None = None


Listener = Callable[[Change], None]
Key = tuple[str, str]


class Store:
    """Objects by kind, namespace and name. Who puts an object in no longer owns it."""

    def __init__(self, clock: Clock, window: int = 5000) -> None:
        self.version = int(clock().timestamp() * 1000)
        self._objects: dict[Resource, dict[Key, Object]] = {each: {} for each in RESOURCES}
        self._log: dict[Resource, deque[Change]] = {
            each: deque(maxlen=window) for each in RESOURCES
        }
        self._floor = dict.fromkeys(RESOURCES, self.version)
        self._dependents: dict[str, set[tuple[Resource, Key]]] = {}
        self._listeners: list[Listener] = []

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self._objects[resource].get((namespace, name))

    def all(self, resource: Resource, namespace: str = "") -> list[Object]:
        """All objects of a kind, of one namespace or of all, ordered like the API's lists."""
        found = sorted(self._objects[resource].items())
        return [obj for (home, _), obj in found if not namespace or home == namespace]

    def put(self, resource: Resource, obj: Object) -> Object:
        """Adds or replaces an object under the next version."""
        key = (namespace_of(obj), name_of(obj))
        previous = self._objects[resource].get(key)
        self.version += 1
        meta(obj)["resourceVersion"] = str(self.version)
        self._objects[resource][key] = obj
        self._index(resource, key, previous, obj)
        change = ChangeType.MODIFIED if previous else ChangeType.ADDED
        self._emit(Change(self.version, change, resource, obj, previous))
        return obj

    def remove(self, resource: Resource, namespace: str, name: str) -> Object:
        """Takes an object out; its last state is returned at the version of the removal."""
        previous = self._objects[resource].pop((namespace, name))
        self.version += 1
        last = previous | {"metadata": meta(previous) | {"resourceVersion": str(self.version)}}
        self._index(resource, (namespace, name), previous, None)
        self._emit(Change(self.version, ChangeType.DELETED, resource, last, previous))
        return last

    def exists(self, uid: str, resource: Resource, namespace: str, name: str) -> bool:
        found = self.get(resource, namespace, name)
        return found is not None and uid_of(found) == uid

    def dependents(self, uid: str) -> list[tuple[Resource, Object]]:
        """The objects that name this uid as an owner."""
        keys = sorted(self._dependents.get(uid, ()), key=lambda each: (each[0].plural, each[1]))
        return [(resource, self._objects[resource][key]) for resource, key in keys]

    def changes_since(self, resource: Resource, version: int) -> list[Change]:
        """The kept changes after a version; raises `ExpiredError` when some are gone."""
        if version < self._floor[resource]:
            raise ExpiredError(version, self._floor[resource])
        return [change for change in self._log[resource] if change.version > version]

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls the listener within every write, so it must only take note. Returns its end."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _emit(self, change: Change) -> None:
        log = self._log[change.resource]
        if len(log) == log.maxlen:
            self._floor[change.resource] = log[0].version
        log.append(change)
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
