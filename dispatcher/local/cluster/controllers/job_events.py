"""The events of the Job controller. Pure.

https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/job/job_controller.go
"""

from collections.abc import Iterator

from dispatcher.local.cluster.apimachinery.objects import Object, name_of
from dispatcher.local.cluster.client.event_recorder import EventText

_COMPONENT = "job-controller"


def created(pod: Object) -> EventText:
    return EventText(_COMPONENT, "Normal", "SuccessfulCreate", f"Created pod: {name_of(pod)}")


def deleted(pod: Object) -> EventText:
    return EventText(_COMPONENT, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")


def not_created(why: str) -> EventText:
    return EventText(_COMPONENT, "Warning", "FailedCreate", f"Error creating: {why}")


def changed(before: Object, after: Object) -> Iterator[EventText]:
    """The events of a Job between two of its statuses."""
    known = before.get("conditions") or []
    for condition in after.get("conditions") or []:
        if condition not in known and (text := _of(condition)):
            yield text


def _of(condition: Object) -> EventText | None:
    match condition["type"], condition["status"]:
        case "Complete", "True":
            return EventText(_COMPONENT, "Normal", "Completed", "Job completed")
        case "Failed", "True":
            return EventText(_COMPONENT, "Warning", condition["reason"], condition["message"])
        case "Suspended", "True":
            return EventText(_COMPONENT, "Normal", "Suspended", "Job suspended")
        case "Suspended", "False":
            return EventText(_COMPONENT, "Normal", "Resumed", "Job resumed")
    return None
