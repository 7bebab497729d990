"""The scheduler: binds each new Pod to the node, or says why it can't; the node's changes make it look again.

https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
"""

from dispatcher.local.cluster.apimachinery.conditions import set_condition
from dispatcher.local.cluster.apimachinery.nodes import NODE
from dispatcher.local.cluster.apimachinery.objects import (
    Object,
    clone,
    is_terminal,
    name_of,
    namespace_of,
    timestamp,
)
from dispatcher.local.cluster.apimachinery.resources import NODES, PODS
from dispatcher.local.cluster.client.event_recorder import EventRecorder, EventText
from dispatcher.local.cluster.client.workqueue import WorkQueue
from dispatcher.local.cluster.registry.registry import Registry
from dispatcher.local.cluster.scheduler.filters import message, obstacles
from dispatcher.local.cluster.storage.changes import Change, ChangeType, Key

_COMPONENT = "default-scheduler"


class Scheduler:
    """Binds Pods to the node, or says why not; looks again whenever the node has changed."""

    def __init__(self, registry: Registry, events: EventRecorder) -> None:
        self._registry = registry
        self._events = events
        self._waiting: dict[Key, None] = {}
        self.queue: WorkQueue[Key] = WorkQueue(self._schedule)
        registry.store.listen(self._on_change)

    def _on_change(self, change: Change) -> None:
        if change.resource == NODES:
            for key in self._waiting:
                self.queue.add(key)
        elif change.resource == PODS and change.type is ChangeType.ADDED:
            self.queue.add((namespace_of(change.object), name_of(change.object)))

    def _schedule(self, key: Key) -> None:
        self._waiting.pop(key, None)
        pod = self._registry.store.get(PODS, *key)
        if pod is None or is_terminal(pod) or pod["spec"].get("nodeName"):
            return
        node = self._registry.store.get(NODES, "", NODE)
        reasons = obstacles(pod, node) if node else ["no nodes available"]
        if reasons:
            self._waiting[key] = None
            self._refuse(pod, message(reasons))
        else:
            self._bind(pod)

    def _refuse(self, pod: Object, why: str) -> None:
        marked = clone(pod)
        moment = timestamp(self._registry.clock())
        set_condition(marked, "PodScheduled", "Unschedulable", why, moment, holds=False)
        self._registry.write(PODS, pod, marked)
        self._events.record(PODS, pod, EventText(_COMPONENT, "Warning", "FailedScheduling", why))

    def _bind(self, pod: Object) -> None:
        bound = clone(pod)
        bound["spec"]["nodeName"] = NODE
        set_condition(bound, "PodScheduled", "", "", timestamp(self._registry.clock()))
        self._registry.write(PODS, pod, bound)
        said = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {NODE}"
        self._events.record(PODS, pod, EventText(_COMPONENT, "Normal", "Scheduled", said))
