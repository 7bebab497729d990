"""The admission chain: Pod security and quotas. It reads the store and never writes.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from dispatcher.local.cluster.admission.pod_security import violation
from dispatcher.local.cluster.admission.quotas import exceeded
from dispatcher.local.cluster.apimachinery.api_errors import forbidden
from dispatcher.local.cluster.apimachinery.objects import Object, name_of
from dispatcher.local.cluster.apimachinery.resources import NAMESPACES, PODS, Resource
from dispatcher.local.cluster.storage.store import Store


def admit(store: Store, resource: Resource, namespace: str, obj: Object) -> None:
    """Raises `Forbidden` where the namespace's rules keep a new object out."""
    home = store.get(NAMESPACES, "", namespace)
    if home is None:
        return
    why = violation(home, obj["spec"]) if resource == PODS else ""
    why = why or exceeded(store, resource, namespace)
    if why:
        raise forbidden(resource, name_of(obj), why)
