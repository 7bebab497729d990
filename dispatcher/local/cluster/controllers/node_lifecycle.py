"""The node controller: keeps the node's conditions and taints true, and evicts Pods that don't tolerate them.

https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
"""

from dispatcher.local.cluster.apimachinery.conditions import set_condition
from dispatcher.local.cluster.apimachinery.nodes import NODE, taints_of, tolerates
from dispatcher.local.cluster.apimachinery.objects import (
    Object,
    clone,
    is_deleting,
    is_terminal,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from dispatcher.local.cluster.apimachinery.resources import NODES, PODS
from dispatcher.local.cluster.client.workqueue import WorkQueue
from dispatcher.local.cluster.controllers.node_status import new_node, observed, status
from dispatcher.local.cluster.registry.deletion import DeleteOptions
from dispatcher.local.cluster.registry.registry import Registry
from dispatcher.local.cluster.storage.changes import Change, ChangeType


class NodeController:
    """Keeps the node's conditions and taints, and deletes Pods that don't tolerate them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._repels = False
        self.queue: WorkQueue[str] = WorkQueue(self._reconcile)
        registry.store.listen(self._on_change)

    def _on_change(self, change: Change) -> None:
        if change.resource == NODES and change.type is not ChangeType.DELETED:
            self.queue.add(name_of(change.object))
        elif change.resource == PODS and self._repels and change.type is not ChangeType.DELETED:
            self.queue.add(NODE)

    def join(self) -> None:
        """Registers the node, if it is new, and writes its observed status: at every start."""
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
