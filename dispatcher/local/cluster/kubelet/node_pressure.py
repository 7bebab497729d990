"""Whether a node short of something evicts its Pods. Pure.

https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""

from dispatcher.local.cluster.apimachinery.nodes import pressure_on
from dispatcher.local.cluster.apimachinery.objects import Object
from dispatcher.local.cluster.kubelet.pod_status import Failure


def eviction(node: Object) -> Failure | None:
    """Why the node evicts its Pods; None where it has enough of everything."""
    pressure = pressure_on(node)
    if pressure is None:
        return None
    message = f"The node was low on resource: {pressure.resource}. "
    return Failure("Evicted", message, "TerminationByKubelet")
