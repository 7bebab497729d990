"""Reading and writing objects by the API's rules, for clients and controllers alike.

It joins the pure rules (defaults, validation, immutability, deletion) with the store. It must not
know HTTP, and it never waits: each call is one step that nothing can come between.
"""

import random
import uuid
from collections.abc import Callable
from typing import Any

from dispatcher.local.cluster.admission.chain import admit
from dispatcher.local.cluster.admission.defaults import encode_string_data, fill_in
from dispatcher.local.cluster.admission.immutability import check_unchanged
from dispatcher.local.cluster.admission.validation import check_shape, validate
from dispatcher.local.cluster.apimachinery import api_errors
from dispatcher.local.cluster.apimachinery.objects import (
    Clock,
    Object,
    clone,
    finalizers_of,
    is_deleting,
    meta,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
    without_finalizer,
)
from dispatcher.local.cluster.apimachinery.resources import (
    JOBS,
    NAMESPACES,
    SECRETS,
    SERVICE_ACCOUNTS,
    Resource,
)
from dispatcher.local.cluster.apimachinery.selectors import Selector
from dispatcher.local.cluster.registry.deletion import (
    DeleteOptions,
    Mark,
    Remove,
    check_preconditions,
    decide,
)
from dispatcher.local.cluster.storage.store import Store

# No vowels and nothing that looks alike, as in Kubernetes' generated names.
# https://github.com/kubernetes/apimachinery/blob/master/pkg/util/rand/rand.go
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                 "generation", "name", "namespace")  # fmt: skip


def generate_name(prefix: str) -> str:
    """A name that is most likely new; long prefixes are cut, as in Kubernetes.

    https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/storage/names/generate.go
    """
    suffix = "".join(random.choices(_ALPHABET, k=5))  # noqa: S311 - a name, not a secret
    return prefix[:58] + suffix


class Registry:
    """The API's verbs. All raise `ApiError`; what they return is stored: clone before changing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        found = self.store.get(resource, namespace, name)
        if found is None:
            raise api_errors.not_found(resource, name)
        return found

    def find(
        self, resource: Resource, namespace: str = "", selector: Selector | None = None
    ) -> list[Object]:
        found = self.store.all(resource, namespace)
        return [obj for obj in found if selector.matches(obj)] if selector else found

    def create(
        self, resource: Resource, namespace: str, body: Any, dry_run: bool = False
    ) -> Object:
        """Stores a new object, defaults filled in."""
        check_shape(resource, body)
        obj = {"kind": resource.kind, "apiVersion": resource.api_version} | clone(body)
        self._identify(resource, namespace, obj)
        fill_in(resource, obj)
        if causes := validate(resource, obj):
            raise api_errors.invalid(resource, name_of(obj), causes)
        admit(self.store, resource, namespace, obj)
        if self.store.get(resource, namespace, name_of(obj)):
            raise api_errors.already_exists(resource, name_of(obj))
        if dry_run:
            return obj
        with self.store.step():
            stored = self.store.put(resource, obj)
            if resource == NAMESPACES:
                # A controller in a real cluster; clients wait for it before they make Pods.
                self.create(SERVICE_ACCOUNTS, name_of(obj), {"metadata": {"name": "default"}})
        return stored

    def _identify(self, resource: Resource, namespace: str, obj: Object) -> None:
        metadata = meta(obj) if obj.get("metadata") else obj.setdefault("metadata", {})
        if prefix := metadata.get("generateName"):
            metadata.setdefault("name", generate_name(prefix))
        name = metadata.get("name") or ""
        if not name:
            cause = api_errors.Cause(
                "metadata.name", "FieldValueRequired",
                "Required value: name or generateName is required",
            )  # fmt: skip
            raise api_errors.invalid(resource, "", [cause])
        if resource.namespaced:
            self._check_namespace(resource, namespace, metadata.get("namespace"), name)
            metadata["namespace"] = namespace
        if metadata.get("resourceVersion"):
            raise api_errors.BadRequest(
                "resourceVersion should not be set on objects to be created"
            )
        metadata.pop("deletionTimestamp", None)
        metadata.pop("deletionGracePeriodSeconds", None)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = timestamp(self.clock())
        if resource == JOBS:
            metadata["generation"] = 1

    def _check_namespace(
        self, resource: Resource, namespace: str, said: str | None, name: str
    ) -> None:
        if said and said != namespace:
            raise api_errors.BadRequest(
                "the namespace of the provided object does not match the namespace sent on "
                "the request"
            )
        home = self.store.get(NAMESPACES, "", namespace)
        if home is None:
            raise api_errors.namespace_not_found(namespace)
        if is_deleting(home):
            raise api_errors.namespace_terminating(resource, name, namespace)

    def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        change: Callable[[Object], Any],
        *,
        dry_run: bool = False,
    ) -> Object:
        """Applies a client's change to everything but the status and what the server owns."""
        old = self.get(resource, namespace, name)
        new = change(clone(old))
        check_shape(resource, new)
        self._check_current(resource, old, new)
        self._restore(resource, old, new)
        causes = [*validate(resource, new), *check_unchanged(resource, old, new)]
        if causes:
            raise api_errors.invalid(resource, name, causes)
        return old if dry_run else self._write(resource, old, new)

    def _check_current(self, resource: Resource, old: Object, new: Object) -> None:
        wanted = new.setdefault("metadata", {}) or {}
        version = wanted.get("resourceVersion")
        if error := check_preconditions(resource, old, wanted.get("uid"), version):
            raise error

    def _restore(self, resource: Resource, old: Object, new: Object) -> None:
        for field in _SERVER_OWNED:
            if field in meta(old):
                meta(new)[field] = meta(old)[field]
            else:
                meta(new).pop(field, None)
        if resource == SECRETS:
            encode_string_data(new)
        if resource.has_status:
            new["status"] = clone(old)["status"]
        if resource == JOBS and old["spec"] != new["spec"]:
            meta(new)["generation"] = meta(old)["generation"] + 1

    def write_status(
        self, resource: Resource, namespace: str, name: str, new_status: Object
    ) -> Object:
        """Replaces the status; nothing is written where it is the same."""
        old = self.get(resource, namespace, name)
        return self._write(resource, old, old | {"metadata": dict(meta(old)), "status": new_status})

    def release(self, resource: Resource, obj: Object, finalizer: str) -> None:
        """Takes a finalizer off the current state of an object, if both are still there."""
        current = self.store.get(resource, namespace_of(obj), name_of(obj))
        if current and uid_of(current) == uid_of(obj) and finalizer in finalizers_of(current):
            self._write(resource, current, without_finalizer(current, finalizer))

    def write(self, resource: Resource, old: Object, new: Object) -> Object:
        """A controller's write of a whole object that it has just read."""
        return self._write(resource, old, new)

    def _write(self, resource: Resource, old: Object, new: Object) -> Object:
        meta(new)["resourceVersion"] = meta(old)["resourceVersion"]
        if new == old:
            return old
        with self.store.step():
            written = self.store.put(resource, new)
            if self._is_free_to_go(resource, written):
                return self.store.remove(resource, namespace_of(new), name_of(new))
        return written

    @staticmethod
    def _is_free_to_go(resource: Resource, obj: Object) -> bool:
        """Whether the last finalizer of an object that is being deleted has just gone."""
        waits = finalizers_of(obj) or (obj.get("spec") or {}).get("finalizers")
        return is_deleting(obj) and not waits and not meta(obj).get("deletionGracePeriodSeconds")

    def delete(
        self, resource: Resource, namespace: str, name: str, options: DeleteOptions
    ) -> tuple[Object, bool]:
        """Removes or marks an object; returns its last state and whether it is gone."""
        obj = self.get(resource, namespace, name)
        if error := check_preconditions(resource, obj, options.uid, options.version):
            raise error
        if options.dry_run:
            return obj, False
        if resource == NAMESPACES:
            return self._terminate_namespace(obj), False
        match decide(resource, obj, options, self.clock()):
            case Remove():
                return self.store.remove(resource, namespace, name), True
            case Mark(marked):
                return self._write(resource, obj, marked), False

    def _terminate_namespace(self, obj: Object) -> Object:
        if name_of(obj) == "default":
            raise api_errors.Forbidden('namespaces "default" is forbidden: this namespace may not be '
                                   "deleted")  # fmt: skip
        marked = clone(obj)
        meta(marked).setdefault("deletionTimestamp", timestamp(self.clock()))
        marked["status"] = {"phase": "Terminating"}
        return self._write(NAMESPACES, obj, marked)
