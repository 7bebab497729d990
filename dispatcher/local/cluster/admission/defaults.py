"""Defaults that the API server fills in before it stores an object. Pure, in place.

https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/v1/defaults.go
https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/batch/job/strategy.go
"""

from base64 import b64encode
from typing import Any

from dispatcher.local.cluster.apimachinery.objects import Object, meta, name_of, uid_of
from dispatcher.local.cluster.apimachinery.resources import (
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    QUOTAS,
    SECRETS,
    Resource,
)

_POD = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
}
_CONTAINER = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_JOB = {
    "parallelism": 1,
    "completions": 1,
    "backoffLimit": 6,
    "completionMode": "NonIndexed",
    "suspend": False,
    "podReplacementPolicy": "TerminatingOrFailed",
}


def fill_in(resource: Resource, obj: Object) -> None:
    """Fills in what a new object of this kind left out. Its uid must be there already."""
    if resource == PODS:
        _pod(obj)
    elif resource == JOBS:
        _job(obj)
    elif resource == SECRETS:
        obj.setdefault("type", "Opaque")
        encode_string_data(obj)
    elif resource == NAMESPACES:
        meta(obj).setdefault("labels", {})["kubernetes.io/metadata.name"] = name_of(obj)
        obj["spec"] = {"finalizers": ["kubernetes"]}
        obj["status"] = {"phase": "Active"}
    elif resource in (NODES, QUOTAS):
        obj.setdefault("spec", {})
        obj.setdefault("status", {})


def encode_string_data(secret: Object) -> None:
    """`stringData` is for writing only: it ends up in `data`."""
    plain: dict[str, str] = secret.pop("stringData", None) or {}
    if plain:
        encoded = {key: b64encode(value.encode()).decode() for key, value in plain.items()}
        secret["data"] = (secret.get("data") or {}) | encoded


def _set(target: Object, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = value


def _pod_spec(spec: Object) -> None:
    _set(spec, _POD)
    spec.setdefault("securityContext", {})
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        _set(container, _CONTAINER)
        container.setdefault("resources", {})
    for volume in spec.get("volumes") or []:
        if set(volume) == {"name"}:
            volume["emptyDir"] = {}


def _pod(pod: Object) -> None:
    spec = pod.setdefault("spec", {})
    _pod_spec(spec)
    pod["status"] = {"phase": "Pending", "qosClass": "BestEffort"}


def _job(job: Object) -> None:
    spec = job.setdefault("spec", {})
    # parallelism without completions is a work queue: completions gets no default then.
    # https://kubernetes.io/docs/concepts/workloads/controllers/job/#parallel-jobs
    if spec.get("parallelism") is not None and spec.get("completions") is None:
        _set(spec, {key: value for key, value in _JOB.items() if key != "completions"})
    else:
        _set(spec, _JOB)
    _pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
    if not spec.get("manualSelector"):
        _select_own_pods(job)
    job["status"] = {}


def _select_own_pods(job: Object) -> None:
    """https://kubernetes.io/docs/reference/labels-annotations-taints/#batch-kubernetes-io-controller-uid"""
    spec, uid, name = job["spec"], uid_of(job), name_of(job)
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    labels["batch.kubernetes.io/controller-uid"] = labels["controller-uid"] = uid
    labels["batch.kubernetes.io/job-name"] = labels["job-name"] = name
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
