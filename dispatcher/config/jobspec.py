"""Which fields of a Job a manifest may set, and to which values.

Covers every field that Kubernetes knows: a manifest may set it, or it conflicts with what git-dispatcher
sets or promises and is a mistake with its remedy. docs/configuration.md lists the same.
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/#JobSpec
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dispatcher.config.mistakes import Location
from dispatcher.domain.suggestions import did_you_mean

SPEC: Location = ("spec",)
TEMPLATE: Location = ("spec", "template")
POD: Location = ("spec", "template", "spec")

JOB_FIELDS = frozenset(
    {"activeDeadlineSeconds", "backoffLimit", "backoffLimitPerIndex", "completionMode"}
    | {"completions", "managedBy", "manualSelector", "maxFailedIndexes", "parallelism"}
    | {"podFailurePolicy", "podReplacementPolicy", "scheduling", "selector", "successPolicy"}
    | {"suspend", "template", "ttlSecondsAfterFinished"}
)
"""All of a Job's spec, as of Kubernetes 1.37."""

POD_FIELDS = frozenset(
    {"activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "containers"}
    | {"dnsConfig", "dnsPolicy", "enableServiceLinks", "ephemeralContainers", "evictionResponders"}
    | {"hostAliases", "hostIPC", "hostNetwork", "hostPID", "hostUsers", "hostname"}
    | {"hostnameOverride", "imagePullSecrets", "initContainers", "nodeName", "nodeSelector", "os"}
    | {"overhead", "preemptionPolicy", "priority", "priorityClassName", "readinessGates"}
    | {"resourceClaims", "resources", "restartPolicy", "runtimeClassName", "schedulerName"}
    | {"schedulingGates", "schedulingGroup", "securityContext", "serviceAccount"}
    | {"serviceAccountName", "setHostnameAsFQDN", "shareProcessNamespace", "subdomain"}
    | {"terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints", "volumes"}
)
"""All of a Pod's spec, as of Kubernetes 1.37."""

CONTAINER_FIELDS = frozenset(
    {"args", "command", "env", "envFrom", "image", "imagePullPolicy", "lifecycle", "livenessProbe"}
    | {"name", "ports", "readinessProbe", "resizePolicy", "resources", "restartPolicy"}
    | {"restartPolicyRules", "securityContext", "startupProbe", "stdin", "stdinOnce"}
    | {"terminationMessagePath", "terminationMessagePolicy", "tty", "volumeDevices"}
    | {"volumeMounts", "workingDir"}
)
"""All of a container, as of Kubernetes 1.37."""

Found = tuple[Location, str]


@dataclass(frozen=True)
class Rule:
    """A field that a manifest may set only to certain values, and the remedy."""

    location: Location
    remedy: str
    allows: Callable[[Any], bool] = lambda value: False


RULES = (
    Rule(("status",), "is set by Kubernetes; remove it"),
    Rule(("metadata", "namespace"), "is the target's `namespace`; remove it"),
    Rule(
        (*SPEC, "suspend"), "keeps the Job from starting; remove it", lambda value: value is False
    ),
    Rule(
        (*SPEC, "parallelism"),
        "allows no Pod, so the Job never starts; remove it, or write 1 or more",
        lambda value: value != 0,
    ),
    Rule(
        (*SPEC, "completions"),
        "makes the Job succeed without running anything; remove it, or write 1 or more",
        lambda value: value != 0,
    ),
    Rule((*SPEC, "selector"), "is set by Kubernetes; remove it"),
    Rule((*SPEC, "manualSelector"), "is not supported; remove it", lambda value: value is False),
    Rule((*SPEC, "managedBy"), "hands the Job to another controller; remove it"),
    Rule((*SPEC, "activeDeadlineSeconds"), "is the job's `timeout` in the target; move it there"),
    Rule((*SPEC, "backoffLimit"), "is the job's `retries` in the target; move it there"),
    Rule(
        (*SPEC, "backoffLimitPerIndex"),
        "has no effect, because the job's `retries` in the target count for all indexes together; "
        "remove it and use `retries`",
    ),
    Rule(
        (*SPEC, "maxFailedIndexes"),
        "needs backoffLimitPerIndex, which is not supported; remove it",
    ),
    Rule(
        (*SPEC, "ttlSecondsAfterFinished"),
        "lets Kubernetes delete the Job too early; remove it and use the target's `keep_failed_for`",
    ),
    Rule(
        (*SPEC, "podReplacementPolicy"),
        "must be Failed, so that two Pods never run at once; remove it",
        lambda value: value == "Failed",
    ),
    Rule((*POD, "activeDeadlineSeconds"), "is the job's `timeout` in the target; move it there"),
    Rule(
        (*POD, "restartPolicy"),
        "must be Never; remove it and use the job's `retries` in the target",
        lambda value: value == "Never",
    ),
)

BY_JOB_CONTROLLER = frozenset({"controller-uid", "job-name"})
"""Pod labels that Kubernetes sets itself, also with the prefix `batch.kubernetes.io/`."""


def rule_mistakes(data: dict[str, Any]) -> Iterator[Found]:
    """Mistakes by RULES. `status: {}` and nulls are fine: `kubectl create --dry-run -o yaml` writes them."""
    for rule in RULES:
        value = at(data, rule.location)
        if value not in (None, {}) and not rule.allows(value):
            yield rule.location, rule.remedy
    yield from _index_failures(data)


def _index_failures(data: dict[str, Any]) -> Iterator[Found]:
    location: Location = (*SPEC, "podFailurePolicy", "rules")
    for index, rule in enumerate(_list(at(data, location))):
        if isinstance(rule, dict) and rule.get("action") == "FailIndex":
            text = "FailIndex needs backoffLimitPerIndex, which is not supported; write FailJob"
            yield (*location, index, "action"), text


def restart_mistakes(container: dict[str, Any], location: Location, init: bool) -> Iterator[Found]:
    """Refuses a restart within the Pod: it would repeat a deploy unseen. A sidecar may restart."""
    policy = container.get("restartPolicy")
    if policy not in (None, "Never") and not (init and policy == "Always"):
        text = "restarts the container within its Pod; remove it and use the job's `retries`"
        yield (*location, "restartPolicy"), text
    if container.get("restartPolicyRules"):
        text = "restart a container within its Pod; remove them and use the job's `retries`"
        yield (*location, "restartPolicyRules"), text


def unknown_fields(data: dict[str, Any]) -> Iterator[Found]:
    """Fields unknown to this version: newer than it, or mistyped, which Kubernetes drops silently."""
    places: list[tuple[Location, frozenset[str]]] = [(SPEC, JOB_FIELDS), (POD, POD_FIELDS)]
    for kind in ("initContainers", "containers"):
        for index, _ in enumerate(_list(at(data, (*POD, kind)))):
            places.append(((*POD, kind, index), CONTAINER_FIELDS))
    for location, known in places:
        for name in at(data, location).keys() - known:
            near = did_you_mean(name, known)
            hint = f"; {near}" if near.startswith("did") else ""
            yield (*location, name), f"is unknown to this version and is passed on unchanged{hint}"


def at(data: Any, location: Location) -> Any:
    """The value of a field, or None."""
    for part in location:
        if isinstance(part, int) and isinstance(data, list):
            data = data[part] if part < len(data) else None
        elif isinstance(data, dict):
            data = data.get(str(part))
        else:
            return None
    return data


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
