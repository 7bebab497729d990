"""What a container is started with: its environment and command line.

Pure: Secrets and ConfigMaps are looked up through functions that are passed in.
https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kubelet_pods.go
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from dispatcher.local.cluster.apimachinery.errors import LocalClusterError
from dispatcher.local.cluster.apimachinery.objects import (
    Object,
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from dispatcher.local.cluster.apimachinery.resources import CONFIG_MAPS, SECRETS, Resource
from dispatcher.local.cluster.kubelet.expansion import expand
from dispatcher.local.cluster.kubelet.mounts import Mounts


class ConfigurationError(LocalClusterError):
    """A container can't be started until something that it refers to is there."""


class Lookup(Protocol):
    """Finds an object of the Pod's namespace by kind and name."""

    def __call__(self, resource: Resource, name: str) -> Object | None: ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where a container's values come from."""

    pod: Object
    lookup: Lookup
    mounts: Mounts

    def data(self, resource: Resource, ref: Object) -> dict[str, str] | None:
        """The contents of a Secret or ConfigMap as text; nothing if it may be missing."""
        found = self.lookup(resource, str(ref.get("name")))
        if found is None:
            if ref.get("optional"):
                return None
            kind = resource.kind.lower()
            raise ConfigurationError(f'{kind} "{ref.get("name")}" not found')
        return {key: value.decode("utf-8", "replace") for key, value in contents(found).items()}


def contents(obj: Object) -> dict[str, bytes]:
    """A Secret's or a ConfigMap's files."""
    data: Mapping[str, str] = obj.get("data") or {}
    if obj["kind"] == SECRETS.kind:
        return {key: b64decode(value) for key, value in data.items()}
    binary: Mapping[str, str] = obj.get("binaryData") or {}
    plain = {key: value.encode() for key, value in data.items()}
    return plain | {key: b64decode(value) for key, value in binary.items()}


def environment(container: Object, source: Source) -> dict[str, str]:
    """The variables that a container declares; raises `ConfigurationError`."""
    variables: dict[str, str] = {}
    for each in container.get("envFrom") or []:
        variables |= _from_all(each, source)
    for each in container.get("env") or []:
        value = _value(each, source, variables)
        if value is not None:
            variables[each["name"]] = source.mounts.rewrite(value)
    return variables


def _from_all(entry: Object, source: Source) -> dict[str, str]:
    prefix = entry.get("prefix") or ""
    for field, resource in (("configMapRef", CONFIG_MAPS), ("secretRef", SECRETS)):
        if ref := entry.get(field):
            data = source.data(resource, ref) or {}
            return {prefix + key: source.mounts.rewrite(value) for key, value in data.items()}
    return {}


def _value(entry: Object, source: Source, known: Mapping[str, str]) -> str | None:
    if entry.get("value"):
        return expand(entry["value"], known)
    origin = entry.get("valueFrom") or {}
    for field, resource in (("configMapKeyRef", CONFIG_MAPS), ("secretKeyRef", SECRETS)):
        if ref := origin.get(field):
            return _from_key(resource, ref, source)
    if ref := origin.get("fieldRef"):
        return field_value(source.pod, str(ref.get("fieldPath")))
    return ""


def _from_key(resource: Resource, ref: Object, source: Source) -> str | None:
    data = source.data(resource, ref)
    if data is None:
        return None
    key = ref.get("key")
    if key in data:
        return data[key]
    if ref.get("optional"):
        return None
    home = namespace_of(source.pod)
    raise ConfigurationError(f"couldn't find key {key} in {resource.kind} {home}/{ref.get('name')}")


_FIELDS: dict[str, Callable[[Object], str]] = {
    "metadata.name": name_of,
    "metadata.namespace": namespace_of,
    "metadata.uid": uid_of,
    "spec.nodeName": lambda pod: str(pod["spec"].get("nodeName", "")),
    "spec.serviceAccountName": lambda pod: str(pod["spec"].get("serviceAccountName", "default")),
    "status.podIP": lambda _: "127.0.0.1",
    "status.hostIP": lambda _: "127.0.0.1",
}
_ENTRY = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


def field_value(pod: Object, path: str) -> str:
    """https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields"""
    if found := _ENTRY.fullmatch(path):
        entries = labels_of(pod) if found[1] == "labels" else annotations_of(pod)
        return entries.get(found[2], "")
    if path not in _FIELDS:
        raise ConfigurationError(f"the local cluster knows no field {path!r}")
    return _FIELDS[path](pod)


def command_line(container: Object, variables: Mapping[str, str]) -> list[str]:
    """`command` and `args`, expanded."""
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    return [expand(word, variables) for word in words]
