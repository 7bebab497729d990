"""Validation of objects. Pure: an object in, mistakes out.

It covers common mistakes in Jobs and accepts what it doesn't know. Messages
follow the API server's.
https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go
"""

import re
from collections.abc import Iterator
from typing import Any

from dispatcher.local.cluster.apimachinery.api_errors import BadRequest, Cause
from dispatcher.local.cluster.apimachinery.objects import Object, labels_of, meta
from dispatcher.local.cluster.apimachinery.resources import JOBS, NAMESPACES, PODS, Resource

Causes = Iterator[Cause]

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_DNS_LABEL = re.compile(_LABEL)
_DNS_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character"
)
_NUMBERS = ("parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished")


def required(field: str, message: str = "") -> Cause:
    text = f"Required value: {message}" if message else "Required value"
    return Cause(field, "FieldValueRequired", text)


def wrong(field: str, value: object, rule: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown}: {rule}")


def duplicate(field: str, value: str) -> Cause:
    return Cause(field, "FieldValueDuplicate", f'Duplicate value: "{value}"')


def is_subdomain(name: str) -> bool:
    return len(name) <= 253 and _DNS_SUBDOMAIN.fullmatch(name) is not None


def is_dns_label(name: str) -> bool:
    return len(name) <= 63 and _DNS_LABEL.fullmatch(name) is not None


def check_shape(resource: Resource, obj: Any) -> None:
    """Refuses what the API server can't even decode: wrong kinds and wrong JSON types."""
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata", {}), dict):
        raise BadRequest(f"the object provided is not a {resource.kind}")
    for field, expected in (("apiVersion", resource.api_version), ("kind", resource.kind)):
        if obj.get(field, expected) != expected:
            raise BadRequest(
                f"the {field} in the data ({obj[field]}) does not match the expected ({expected})"
            )
    if not isinstance(obj.get("spec") or {}, dict):
        raise BadRequest("cannot unmarshal spec: an object is expected")
    for field in ("labels", "annotations"):
        _check_strings(obj.get("metadata", {}).get(field) or {}, f"metadata.{field}")
    if pod_spec := _pod_spec(resource, obj):
        _check_env(pod_spec)


def _pod_spec(resource: Resource, obj: Object) -> Object:
    spec = obj.get("spec") or {}
    if resource == JOBS:
        spec = (spec.get("template") or {}).get("spec") or {}
    return spec if resource in (JOBS, PODS) else {}


def _check_strings(values: Any, field: str) -> None:
    if not isinstance(values, dict):
        raise BadRequest(f"cannot unmarshal {field}: an object is expected")
    for key, value in values.items():
        if not isinstance(value, str):
            raise BadRequest(f"cannot unmarshal {field}[{key!r}]: a string is expected")


def _check_env(pod_spec: Object) -> None:
    for container in [*_containers(pod_spec, "initContainers"), *_containers(pod_spec)]:
        for each in container.get("env") or []:
            if not isinstance(each.get("value", ""), str | None):
                raise BadRequest(f"cannot unmarshal env {each.get('name')!r}: a string is expected")


def _containers(pod_spec: Object, field: str = "containers") -> list[Object]:
    return pod_spec.get(field) or []


def validate(resource: Resource, obj: Object) -> list[Cause]:
    """All mistakes of an object that is about to be stored, defaults filled in."""
    return [*_metadata(resource, obj), *_specifics(resource, obj)]


def _metadata(resource: Resource, obj: Object) -> Causes:
    name = str(meta(obj).get("name", ""))
    if resource == NAMESPACES:
        if not is_dns_label(name):
            yield wrong("metadata.name", name, _LABEL_RULE)
    elif not is_subdomain(name):
        yield wrong("metadata.name", name, _SUBDOMAIN_RULE)
    yield from _labels(labels_of(obj), "metadata.labels")
    for finalizer in meta(obj).get("finalizers") or []:
        if "/" not in finalizer and finalizer not in ("foregroundDeletion", "orphan", "kubernetes"):
            yield wrong(
                "metadata.finalizers",
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            )


def _labels(labels: dict[str, str], field: str) -> Causes:
    for key, value in labels.items():
        prefix, _, name = key.rpartition("/")
        if (prefix and not is_subdomain(prefix)) or not _is_label_name(name):
            yield wrong(
                field, key, "a label's key is a name, optionally after a DNS prefix and '/'"
            )
        if len(value) > 63:
            yield wrong(field, value, "must be no more than 63 characters")
        elif not _LABEL_VALUE.fullmatch(value):
            yield wrong(
                field,
                value,
                "a valid label must be an empty string or consist of alphanumeric characters, "
                "'-', '_' or '.', and must start and end with an alphanumeric character",
            )


def _is_label_name(name: str) -> bool:
    return len(name) <= 63 and _LABEL_NAME.fullmatch(name) is not None


def _specifics(resource: Resource, obj: Object) -> Causes:
    if resource == JOBS:
        yield from _job_spec(obj["spec"])
    elif resource == PODS:
        yield from _pod(obj["spec"], "spec")


def _job_spec(spec: Object) -> Causes:
    for field in (*_NUMBERS, "activeDeadlineSeconds"):
        if (value := spec.get(field)) is not None:
            yield from _number(value, f"spec.{field}")
    template = spec.get("template") or {}
    yield from _labels((template.get("metadata") or {}).get("labels") or {}, "spec.template.labels")
    pod_spec = template.get("spec") or {}
    yield from _pod(pod_spec, "spec.template.spec")
    if pod_spec.get("restartPolicy") == "Always":
        field = "spec.template.spec.restartPolicy"
        yield required(field, 'valid values: "OnFailure", "Never"')


def _number(value: Any, field: str) -> Causes:
    if not isinstance(value, int) or value < 0:
        yield wrong(field, value, "must be greater than or equal to 0")


def _pod(spec: Object, field: str) -> Causes:
    policy = spec.get("restartPolicy")
    if policy not in ("Always", "OnFailure", "Never"):
        message = f'Unsupported value: "{policy}": supported values: "Always", "OnFailure", "Never"'
        yield Cause(f"{field}.restartPolicy", "FieldValueNotSupported", message)
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and (not isinstance(deadline, int) or deadline < 1):
        yield wrong(f"{field}.activeDeadlineSeconds", deadline, "must be between 1 and 2147483647")
    volumes = [str(volume.get("name", "")) for volume in spec.get("volumes") or []]
    seen: set[str] = set()
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(_containers(spec, kind)):
            path = f"{field}.{kind}[{index}]"
            yield from _container(container, path, volumes)
            name = str(container.get("name", ""))
            if name in seen:
                yield duplicate(f"{path}.name", name)
            seen.add(name)


def _container(container: Object, field: str, volumes: list[str]) -> Causes:
    name = container.get("name") or ""
    if not name:
        yield required(f"{field}.name")
    elif not is_dns_label(name):
        yield wrong(f"{field}.name", name, _LABEL_RULE)
    if not container.get("image"):
        yield required(f"{field}.image")
    for index, mount in enumerate(container.get("volumeMounts") or []):
        if mount.get("name") not in volumes:
            message = f'Not found: "{mount.get("name")}"'
            yield Cause(f"{field}.volumeMounts[{index}].name", "FieldValueNotFound", message)
    for index, each in enumerate(container.get("env") or []):
        if not each.get("name"):
            yield required(f"{field}.env[{index}].name")
