"""The API's errors, as exceptions that know their Kubernetes `Status` body.

Codes and reasons are those of the API machinery. Pure.
https://github.com/kubernetes/apimachinery/blob/master/pkg/api/errors/errors.go
"""

from dataclasses import dataclass
from typing import Any

from dispatcher.local.cluster.apimachinery.errors import LocalClusterError
from dispatcher.local.cluster.apimachinery.objects import Object
from dispatcher.local.cluster.apimachinery.resources import NAMESPACES, Resource


@dataclass(frozen=True, slots=True)
class Cause:
    """One mistake in an object: `field` is its path, `reason` the class of mistake."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class ApiError(LocalClusterError):
    """An answer that is an error; `body()` is what the client reads."""

    code = 500
    reason = "InternalError"

    def __init__(self, message: str, metadata: Object | None = None, **details: Any) -> None:
        super().__init__(message)
        self.metadata: Object = metadata or {}
        self.details: Object = {key: value for key, value in details.items() if value}

    def body(self) -> Object:
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            "code": self.code,
        }
        return status | ({"details": self.details} if self.details else {})


class InternalError(ApiError):
    """Something behind the API server has failed."""


class BadRequest(ApiError):
    code = 400
    reason = "BadRequest"


class Unauthorized(ApiError):
    code = 401
    reason = "Unauthorized"


class Forbidden(ApiError):
    code = 403
    reason = "Forbidden"


class NotFound(ApiError):
    code = 404
    reason = "NotFound"


class MethodNotAllowed(ApiError):
    code = 405
    reason = "MethodNotAllowed"


class AlreadyExists(ApiError):
    code = 409
    reason = "AlreadyExists"


class Conflict(ApiError):
    code = 409
    reason = "Conflict"


class Expired(ApiError):
    code = 410
    reason = "Expired"


class UnsupportedMediaType(ApiError):
    code = 415
    reason = "UnsupportedMediaType"


class Invalid(ApiError):
    code = 422
    reason = "Invalid"


class Timeout(ApiError):
    code = 504
    reason = "Timeout"


def not_found(resource: Resource, name: str) -> NotFound:
    message = f'{resource.qualified} "{name}" not found'
    return NotFound(message, name=name, group=resource.group, kind=resource.plural)


def already_exists(resource: Resource, name: str) -> AlreadyExists:
    message = f'{resource.qualified} "{name}" already exists'
    return AlreadyExists(message, name=name, group=resource.group, kind=resource.plural)


def conflict(resource: Resource, name: str, why: str) -> Conflict:
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return Conflict(message, name=name, group=resource.group, kind=resource.plural)


def invalid(resource: Resource, name: str, causes: list[Cause]) -> Invalid:
    text = str(causes[0]) if len(causes) == 1 else f"[{', '.join(map(str, causes))}]"
    return Invalid(
        f'{resource.qualified_kind} "{name}" is invalid: {text}',
        name=name,
        group=resource.group,
        kind=resource.kind,
        causes=[{"reason": c.reason, "message": c.message, "field": c.field} for c in causes],
    )


def namespace_terminating(resource: Resource, name: str, namespace: str) -> Forbidden:
    """https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go"""
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
    }
    return Forbidden(
        f'{resource.qualified} "{name}" is forbidden: {why}',
        name=name,
        group=resource.group,
        kind=resource.plural,
        causes=[cause | {"field": "metadata.namespace"}],
    )


def namespace_not_found(namespace: str) -> NotFound:
    return not_found(NAMESPACES, namespace)


def too_large_version(requested: int, current: int) -> Timeout:
    """A list can't be newer than the store; https://kubernetes.io/docs/reference/using-api/api-concepts/#unavailable-resource-versions"""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return Timeout(
        f"Too large resource version: {requested}, current: {current}",
        causes=[cause],
        retryAfterSeconds=1,
    )


def forbidden(resource: Resource, name: str, why: str) -> Forbidden:
    message = f'{resource.qualified} "{name}" is forbidden: {why}'
    return Forbidden(message, name=name, group=resource.group, kind=resource.plural)


def success(resource: Resource, name: str, uid: str) -> Object:
    """The answer to a delete that removed its object at once."""
    details = {"name": name, "group": resource.group, "kind": resource.plural, "uid": uid}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }
