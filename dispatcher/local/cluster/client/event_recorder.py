"""The recorder of events, which tell a user what happened to an object. It keeps few, and for an hour.

An event that repeats raises a count. An event in a namespace that is being deleted is dropped.
https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dispatcher.local.cluster.apimachinery.objects import (
    Clock,
    Object,
    clone,
    is_deleting,
    name_of,
    namespace_of,
    parse_timestamp,
    timestamp,
    uid_of,
    version_of,
)
from dispatcher.local.cluster.apimachinery.resources import EVENTS, NAMESPACES, Resource
from dispatcher.local.cluster.client.workqueue import WorkQueue
from dispatcher.local.cluster.storage.changes import Change, ChangeType, Key
from dispatcher.local.cluster.storage.store import Store

# A real API server keeps them for an hour, too (--event-ttl).
_SECONDS = 3600.0
_AT_MOST = 2000

# Records an event of a Pod: `Normal` or `Warning`, reason, message, and the container, if it is about one.
RecordPodEvent = Callable[[str, str, str, str], None]


@dataclass(frozen=True, slots=True)
class EventText:
    """What an event says: `kind` is `Normal` or `Warning`; `field` is the part of the object."""

    component: str
    kind: str
    reason: str
    message: str
    field: str = ""


class EventRecorder:
    """Writes events, and deletes old ones."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[Key, tuple[str, EventText]] = OrderedDict()
        self._latest: dict[tuple[str, EventText], Key] = {}
        self.queue: WorkQueue[Key] = WorkQueue(self._expire)
        store.listen(self._on_change)

    def record(self, resource: Resource, obj: Object, text: EventText) -> None:
        """Records an event about an object."""
        home = self._store.get(NAMESPACES, "", namespace_of(obj) or "default")
        if home is None or is_deleting(home):
            return
        known = self._latest.get((uid_of(obj), text))
        before = self._store.get(EVENTS, *known) if known else None
        if before is None:
            self._store.put(EVENTS, event_of(resource, obj, text, self._clock()))
        else:
            self._store.put(EVENTS, repeated(before, self._clock()))

    def _on_change(self, change: Change) -> None:
        if change.resource != EVENTS:
            return
        event, key = change.object, (namespace_of(change.object), name_of(change.object))
        if change.type is ChangeType.DELETED:
            self._latest.pop(self._known.pop(key, ("", _NOTHING)), None)
            return
        about = (str(_involved(event).get("uid")), _text_of(event))
        self._known[key] = about
        self._known.move_to_end(key)
        self._latest[about] = key
        self.queue.add(key)

    def _expire(self, key: Key) -> None:
        """Deletes an event that is too old, and the oldest ones where there are too many."""
        event = self._store.get(EVENTS, *key)
        if event is not None:
            last = parse_timestamp(event.get("lastTimestamp") or _created(event))
            left = _SECONDS - (self._clock() - last).total_seconds()
            if left > 0:
                self.queue.add_after(key, left)
            else:
                self._store.remove(EVENTS, *key)
        while len(self._known) > _AT_MOST:
            self._store.remove(EVENTS, *next(iter(self._known)))


_NOTHING = EventText("", "", "", "")


def _created(event: Object) -> str:
    return str(event["metadata"]["creationTimestamp"])


def _involved(event: Object) -> Object:
    involved: Object = event.get("involvedObject") or {}
    return involved


def _text_of(event: Object) -> EventText:
    component = str((event.get("source") or {}).get("component", ""))
    kind, reason, message = (str(event.get(name, "")) for name in ("type", "reason", "message"))
    return EventText(component, kind, reason, message, str(_involved(event).get("fieldPath", "")))


def event_of(resource: Resource, obj: Object, text: EventText, now: datetime) -> Object:
    """A new event. Its name is the object's and the time, as client-go names events."""
    involved = {
        "kind": resource.kind,
        "namespace": namespace_of(obj),
        "name": name_of(obj),
        "uid": uid_of(obj),
        "apiVersion": resource.api_version,
        "resourceVersion": str(version_of(obj)),
        "fieldPath": text.field,
    }
    moment = timestamp(now)
    return {
        "kind": EVENTS.kind,
        "apiVersion": EVENTS.api_version,
        "metadata": {
            "name": f"{name_of(obj)}.{time.time_ns():x}",
            "namespace": namespace_of(obj) or "default",
            "uid": str(uuid.uuid4()),
            "creationTimestamp": moment,
        },
        "involvedObject": {key: value for key, value in involved.items() if value},
        "reason": text.reason,
        "message": text.message,
        "source": {"component": text.component},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
        "type": text.kind,
        "eventTime": None,
        "reportingComponent": text.component,
        "reportingInstance": "",
    }


def repeated(event: Object, now: datetime) -> Object:
    """The event, with its count raised by one."""
    more = clone(event)
    return more | {"count": int(event.get("count") or 1) + 1, "lastTimestamp": timestamp(now)}
