"""Immutable fields: those that an update may not change. Pure.

https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/batch/validation/validation.go
"""

from typing import Any

from dispatcher.local.cluster.apimachinery.api_errors import Cause
from dispatcher.local.cluster.apimachinery.objects import Object, clone
from dispatcher.local.cluster.apimachinery.resources import JOBS, PODS, Resource

_JOB_FIELDS = (
    "selector",
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "podReplacementPolicy",
    "manualSelector",
)
# The node selector and the like of a suspended Job that never started may still change.
# https://kubernetes.io/docs/concepts/workloads/controllers/job/#mutable-scheduling-directives
_SCHEDULING = ("nodeSelector", "affinity", "tolerations", "schedulingGates")


def check_unchanged(resource: Resource, old: Object, new: Object) -> list[Cause]:
    """The fields that an update changes although it may not."""
    if resource == JOBS:
        return _job(old, new)
    if resource == PODS:
        return _pod(old["spec"], new["spec"])
    return []


def _immutable(field: str) -> Cause:
    return Cause(field, "FieldValueInvalid", "Invalid value: field is immutable")


def _job(old: Object, new: Object) -> list[Cause]:
    before, after = old["spec"], new["spec"]
    fields = [*_JOB_FIELDS]
    if before.get("completionMode") != "Indexed":
        fields.append("completions")
    causes = [_immutable(f"spec.{each}") for each in fields if before.get(each) != after.get(each)]
    waiting = before.get("suspend") and not (old.get("status") or {}).get("startTime")
    if _template(before, waiting) != _template(after, waiting):
        causes.append(_immutable("spec.template"))
    return causes


def _template(spec: Object, waiting: bool) -> Any:
    template = spec.get("template")
    if not waiting or not isinstance(template, dict):
        return template
    bare = clone(template)
    for field in ("labels", "annotations"):
        (bare.get("metadata") or {}).pop(field, None)
    for field in _SCHEDULING:
        (bare.get("spec") or {}).pop(field, None)
    return bare


def _pod(old: Object, new: Object) -> list[Cause]:
    """https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement"""
    if _fixed_pod_spec(old) == _fixed_pod_spec(new):
        return []
    message = (
        "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
        "additions to existing tolerations)"
    )
    return [Cause("spec", "FieldValueForbidden", message)]


def _fixed_pod_spec(spec: Object) -> Object:
    bare = clone(spec)
    for field in ("activeDeadlineSeconds", "tolerations"):
        bare.pop(field, None)
    for container in [*(bare.get("containers") or []), *(bare.get("initContainers") or [])]:
        container.pop("image", None)
    return bare
