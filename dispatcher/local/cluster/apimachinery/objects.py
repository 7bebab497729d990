"""Kubernetes objects as plain JSON dicts, and the little that is common to all of them.

Unknown fields are kept. A stored object is never changed in place: `clone` it, change the clone
and put it back. Pure.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

Object = dict[str, Any]
Clock = Callable[[], datetime]

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
JOB_TRACKING = "batch.kubernetes.io/job-tracking"


def clone(obj: Object) -> Object:
    """A deep copy; by way of JSON, which is several times faster than `copy.deepcopy`."""
    copy: Object = msgspec.json.decode(msgspec.json.encode(obj))
    return copy


def timestamp(moment: datetime) -> str:
    """RFC 3339 in whole seconds, as `metav1.Time` is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text)


def meta(obj: Object) -> Object:
    metadata: Object = obj["metadata"]
    return metadata


def name_of(obj: Object) -> str:
    return str(meta(obj)["name"])


def namespace_of(obj: Object) -> str:
    return str(meta(obj).get("namespace", ""))


def uid_of(obj: Object) -> str:
    return str(meta(obj).get("uid", ""))


def version_of(obj: Object) -> int:
    return int(meta(obj).get("resourceVersion", 0))


def labels_of(obj: Object) -> dict[str, str]:
    return meta(obj).get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    return meta(obj).get("annotations") or {}


def finalizers_of(obj: Object) -> list[str]:
    return meta(obj).get("finalizers") or []


def owners_of(obj: Object) -> list[Object]:
    return meta(obj).get("ownerReferences") or []


def is_deleting(obj: Object) -> bool:
    return bool(meta(obj).get("deletionTimestamp"))


def controller_uid(obj: Object) -> str | None:
    """The uid of the owner that manages this object, if there is one."""
    return next(
        (str(owner.get("uid")) for owner in owners_of(obj) if owner.get("controller")), None
    )


def phase_of(obj: Object) -> str:
    return str((obj.get("status") or {}).get("phase", ""))


def is_terminal(pod: Object) -> bool:
    return phase_of(pod) in ("Succeeded", "Failed")


def without_finalizer(obj: Object, finalizer: str) -> Object:
    """A copy that no longer has the finalizer."""
    copy = clone(obj)
    left = [each for each in finalizers_of(obj) if each != finalizer]
    if left:
        meta(copy)["finalizers"] = left
    else:
        meta(copy).pop("finalizers", None)
    return copy
