"""The latest changes of each kind, for watches and lists that start at an earlier version.

They are kept in memory, up to a number. A real API server also forgets changes when it compacts or starts: a
client that comes back with an earlier version has to list again.
https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.local.cluster.apimachinery.errors import ExpiredError
from dispatcher.local.cluster.apimachinery.objects import Object, name_of, namespace_of
from dispatcher.local.cluster.apimachinery.resources import RESOURCES, Resource

Key = tuple[str, str]


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


class History:
    """`window` changes per kind, all of them after `version`."""

    def __init__(self, version: int, window: int) -> None:
        self._window = window
        self._kept: dict[Resource, deque[Change]] = {}
        self._floor: dict[Resource, int] = {}
        self.forget(version)

    def append(self, change: Change) -> None:
        kept = self._kept[change.resource]
        if len(kept) == kept.maxlen:
            self._floor[change.resource] = kept[0].version
        kept.append(change)

    def since(self, resource: Resource, version: int) -> list[Change]:
        """The changes after a version; raises `ExpiredError` when some are gone."""
        if version < self._floor[resource]:
            raise ExpiredError(version, self._floor[resource])
        return [change for change in self._kept[resource] if change.version > version]

    def look_back(
        self, resource: Resource, present: Mapping[Key, Object], version: int
    ) -> dict[Key, Object]:
        """The objects at a version; raises `ExpiredError`."""
        state = dict(present)
        for change in reversed(self.since(resource, version)):
            key = (namespace_of(change.object), name_of(change.object))
            if change.previous is None:
                del state[key]
            else:
                state[key] = change.previous
        return state

    def forget(self, version: int) -> None:
        """Compacts: nothing up to this version, which is the latest, is known any more."""
        self._kept = {each: deque(maxlen=self._window) for each in RESOURCES}
        self._floor = dict.fromkeys(RESOURCES, version)
