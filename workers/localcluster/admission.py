"""Who may put an object into a namespace, beyond its being well formed. It reads, never writes.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from workers.localcluster.objects import Object, name_of
from workers.localcluster.podsecurity import violation
from workers.localcluster.quotas import exceeded
from workers.localcluster.resources import NAMESPACES, PODS, Resource
from workers.localcluster.status import forbidden
from workers.localcluster.store import Store


def admit(store: Store, resource: Resource, namespace: str, obj: Object) -> None:
    """Raises `Forbidden` where the namespace's rules keep a new object out."""
    home = store.get(NAMESPACES, "", namespace)
    if home is None:
        return
    why = violation(home, obj["spec"]) if resource == PODS else ""
    why = why or exceeded(store, resource, namespace)
    if why:
        raise forbidden(resource, name_of(obj), why)
