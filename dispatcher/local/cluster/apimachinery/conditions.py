"""Conditions of a status: each is dated from when it last changed. Pure, in place.

https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties
"""

from datetime import datetime

from dispatcher.local.cluster.apimachinery.objects import Object, timestamp


def keep_transition_times(old: Object, new: Object, now: datetime) -> None:
    """Dates each condition from when its status last changed; others' conditions are kept."""
    known = {each["type"]: each for each in old.get("conditions") or []}
    made = new.setdefault("conditions", [])
    names = {each["type"] for each in made}
    made += [each for name, each in known.items() if name not in names]
    for condition in made:
        before = known.get(condition["type"])
        if before and before["status"] == condition["status"]:
            condition["lastTransitionTime"] = before["lastTransitionTime"]
        else:
            condition["lastTransitionTime"] = timestamp(now)


def set_condition(
    pod: Object, kind: str, reason: str, message: str, moment: str, *, holds: bool = True
) -> None:
    """Replaces a condition, in place; dated anew only where its status changes."""
    conditions = pod["status"].setdefault("conditions", [])
    known = next((each for each in conditions if each["type"] == kind), None)
    wanted = "True" if holds else "False"
    since = known["lastTransitionTime"] if known and known["status"] == wanted else moment
    made = {"type": kind, "status": wanted, "lastProbeTime": None, "lastTransitionTime": since}
    said = {key: value for key, value in (("reason", reason), ("message", message)) if value}
    conditions[:] = [each for each in conditions if each is not known]
    conditions.append(made | said)
