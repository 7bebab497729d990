"""The node's controllers: one keeps its object true, one places Pods, one evicts by taints.

They decide nothing about processes; that is the kubelet's.
"""

from dispatcher.local.cluster.changes import Change, ChangeType, Key
from dispatcher.local.cluster.deletion import DeleteOptions
from dispatcher.local.cluster.events import Events, Saying
from dispatcher.local.cluster.nodes import new_node, observed, status
from dispatcher.local.cluster.objects import (
    Object,
    clone,
    is_deleting,
    is_terminal,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from dispatcher.local.cluster.podstatus import NODE, set_condition
from dispatcher.local.cluster.registry import Registry
from dispatcher.local.cluster.resources import NODES, PODS
from dispatcher.local.cluster.scheduling import message, obstacles, taints_of, tolerates
from dispatcher.local.cluster.workqueue import WorkQueue

_COMPONENT = "default-scheduler"


class NodeController:
    """Keeps the node's conditions and taints, and deletes Pods that don't tolerate them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._repels = False
        self.queue: WorkQueue[str] = WorkQueue(self._reconcile)
        registry.store.listen(self._note)

    def _note(self, change: Change) -> None:
        if change.resource == NODES and change.type is not ChangeType.DELETED:
            self.queue.add(name_of(change.object))
        elif change.resource == PODS and self._repels and change.type is not ChangeType.DELETED:
            self.queue.add(NODE)

    def join(self) -> None:
        """The node is one of the cluster's, as at every start."""
        store, moment = self._registry.store, timestamp(self._registry.clock())
        if store.get(NODES, "", NODE) is None:
            self._registry.create(NODES, "", new_node() | {"status": status()})
        node = self._registry.get(NODES, "", NODE)
        self._registry.write(NODES, node, observed(node, moment))

    def _reconcile(self, name: str) -> None:
        node = self._registry.store.get(NODES, "", name)
        if node is None:
            return
        moment = timestamp(self._registry.clock())
        node = self._registry.write(NODES, node, observed(node, moment))
        repelling = [each for each in taints_of(node) if each["effect"] == "NoExecute"]
        self._repels = bool(repelling)
        for pod in self._registry.find(PODS) if repelling else ():
            here = pod["spec"].get("nodeName") == name and not is_terminal(pod)
            if here and any(not tolerates(pod["spec"], each) for each in repelling):
                self._evict(pod, moment)

    def _evict(self, pod: Object, moment: str) -> None:
        """https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions"""
        if is_deleting(pod):
            return
        said = "Taint manager: deleting due to NoExecute taint"
        marked = clone(pod)
        set_condition(marked, "DisruptionTarget", "DeletionByTaintManager", said, moment)
        self._registry.write(PODS, pod, marked)
        options = DeleteOptions(uid=uid_of(pod))
        self._registry.delete(PODS, namespace_of(pod), name_of(pod), options)


class Scheduler:
    """Binds Pods to the node, or says why not; looks again whenever the node has changed."""

    def __init__(self, registry: Registry, events: Events) -> None:
        self._registry = registry
        self._events = events
        self._waiting: dict[Key, None] = {}
        self.queue: WorkQueue[Key] = WorkQueue(self._schedule)
        registry.store.listen(self._note)

    def _note(self, change: Change) -> None:
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
        self._events.say(PODS, pod, Saying(_COMPONENT, "Warning", "FailedScheduling", why))

    def _bind(self, pod: Object) -> None:
        bound = clone(pod)
        bound["spec"]["nodeName"] = NODE
        set_condition(bound, "PodScheduled", "", "", timestamp(self._registry.clock()))
        self._registry.write(PODS, pod, bound)
        said = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {NODE}"
        self._events.say(PODS, pod, Saying(_COMPONENT, "Normal", "Scheduled", said))
