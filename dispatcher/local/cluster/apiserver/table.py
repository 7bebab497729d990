"""Objects as the tables that `kubectl get` prints. Pure.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
https://github.com/kubernetes/kubernetes/blob/master/pkg/printers/internalversion/printers.go
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatcher.local.cluster.apimachinery.objects import (
    Object,
    is_deleting,
    meta,
    name_of,
    parse_timestamp,
)
from dispatcher.local.cluster.apimachinery.resources import (
    CONFIG_MAPS,
    EVENTS,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    QUOTAS,
    SECRETS,
    SERVICE_ACCOUNTS,
    Resource,
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column; those with a priority above 0 are for `-o wide`."""

    name: str
    cell: Callable[[Object, datetime], Any]
    kind: str = "string"
    priority: int = 0


def table(
    resource: Resource, objects: Sequence[Object], metadata: Object, now: datetime, *, header: bool
) -> Object:
    """The table of some objects; without a header where the client has seen it already."""
    columns = (_NAME, *_COLUMNS[resource], _AGE, *_WIDE.get(resource, ()))
    if resource == EVENTS:
        columns = (*_COLUMNS[resource], *_WIDE[resource])
    made: Object = {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_definition(each) for each in columns] if header else [],
        "rows": [
            {"cells": [each.cell(obj, now) for each in columns], "object": _partial(obj)}
            for obj in objects
        ],
    }
    return made


def _definition(column: Column) -> Object:
    return {
        "name": column.name,
        "type": column.kind,
        "format": "name" if column.name == "Name" else "",
        "description": "",
        "priority": column.priority,
    }


def _partial(obj: Object) -> Object:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta(obj),
    }


def human(seconds: float) -> str:
    """A duration as kubectl writes it: `59s`, `3m10s`, `25m`, `4h10m`, `30h`, `4d`."""
    total = max(0, int(seconds))
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return f"{minutes}m{total % 60}s" if total % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{days}d"


def _age(obj: Object, now: datetime) -> str:
    created = meta(obj).get("creationTimestamp")
    return human((now - parse_timestamp(created)).total_seconds()) if created else "<unknown>"


def _statuses(pod: Object, field: str = "containerStatuses") -> list[Object]:
    return (pod.get("status") or {}).get(field) or []


def _ready(pod: Object, _now: datetime) -> str:
    ready = sum(bool(each.get("ready")) for each in _statuses(pod))
    return f"{ready}/{len((pod.get('spec') or {}).get('containers') or [])}"


def _restarts(pod: Object, _now: datetime) -> str:
    return str(sum(int(each.get("restartCount", 0)) for each in _statuses(pod)))


def _pod_status(pod: Object, _now: datetime) -> str:
    status = pod.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Unknown"
    if is_deleting(pod) and status.get("phase") not in ("Succeeded", "Failed"):
        return "Terminating"
    inits = _statuses(pod, "initContainerStatuses")
    for index, each in enumerate(inits):
        problem = _problem(each)
        if problem == "Completed":
            continue
        if problem and problem != "PodInitializing":
            return f"Init:{problem}"
        return f"Init:{index}/{len(inits)}"
    return next((found for each in _statuses(pod) if (found := _problem(each))), str(reason))


def _problem(container: Object) -> str:
    """Why a container doesn't run."""
    state = container.get("state") or {}
    for kind in ("waiting", "terminated"):
        if kind in state:
            return str(state[kind].get("reason") or "")
    return ""


def _job_status(job: Object, _now: datetime) -> str:
    if is_deleting(job):
        return "Terminating"
    held = {
        each["type"]
        for each in (job.get("status") or {}).get("conditions") or []
        if each["status"] == "True"
    }
    order = ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet", "Suspended")
    return next((each for each in order if each in held), "Running")


def _completions(job: Object, _now: datetime) -> str:
    succeeded = (job.get("status") or {}).get("succeeded", 0)
    return f"{succeeded}/{(job.get('spec') or {}).get('completions', 1)}"


def _duration(job: Object, now: datetime) -> str:
    status = job.get("status") or {}
    if not status.get("startTime"):
        return ""
    ended = status.get("completionTime")
    end = parse_timestamp(ended) if ended else now
    return human((end - parse_timestamp(status["startTime"])).total_seconds())


def _images(job: Object, _now: datetime) -> str:
    containers = job["spec"]["template"]["spec"]["containers"]
    return ",".join(each.get("image", "") for each in containers)


def _node_status(node: Object, _now: datetime) -> str:
    conditions = node["status"].get("conditions") or []
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    cordoned = ",SchedulingDisabled" if (node.get("spec") or {}).get("unschedulable") else ""
    return ("Ready" if ready else "NotReady") + cordoned


def _quota(quota: Object, _now: datetime) -> str:
    status = quota.get("status") or {}
    used, hard = status.get("used") or {}, status.get("hard") or {}
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard))


def _last_seen(event: Object, now: datetime) -> str:
    said = event.get("lastTimestamp") or event["metadata"].get("creationTimestamp")
    return human((now - parse_timestamp(said)).total_seconds()) if said else "<unknown>"


def _about(event: Object, _now: datetime) -> str:
    involved = event.get("involvedObject") or {}
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


_NAME = Column("Name", lambda obj, _: name_of(obj))
_AGE = Column("Age", _age)
_COLUMNS: dict[Resource, tuple[Column, ...]] = {
    PODS: (
        Column("Ready", _ready),
        Column("Status", _pod_status),
        Column("Restarts", _restarts),
    ),
    JOBS: (
        Column("Status", _job_status),
        Column("Completions", _completions),
        Column("Duration", _duration),
    ),
    NAMESPACES: (Column("Status", lambda obj, _: obj["status"]["phase"]),),
    SECRETS: (
        Column("Type", lambda obj, _: obj.get("type", "Opaque")),
        Column("Data", lambda obj, _: len(obj.get("data") or {}), "integer"),
    ),
    CONFIG_MAPS: (Column("Data", lambda obj, _: len(obj.get("data") or {}), "integer"),),
    SERVICE_ACCOUNTS: (Column("Secrets", lambda obj, _: len(obj.get("secrets") or []), "integer"),),
    NODES: (Column("Status", _node_status),),
    QUOTAS: (Column("Request", _quota),),
    EVENTS: (
        Column("Last Seen", _last_seen),
        Column("Type", lambda obj, _: obj.get("type", "")),
        Column("Reason", lambda obj, _: obj.get("reason", "")),
        Column("Object", _about),
        Column("Message", lambda obj, _: str(obj.get("message", "")).strip()),
    ),
}
_WIDE: dict[Resource, tuple[Column, ...]] = {
    PODS: (
        Column("IP", lambda obj, _: (obj.get("status") or {}).get("podIP", "<none>"), priority=1),
        Column("Node", lambda obj, _: obj["spec"].get("nodeName", "<none>"), priority=1),
    ),
    JOBS: (Column("Images", _images, priority=1),),
    EVENTS: (
        Column("Name", lambda obj, _: name_of(obj), priority=1),
        Column("Count", lambda obj, _: obj.get("count", 1), "integer", priority=1),
    ),
}
