"""What the Job controller tells people. Pure.

https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/job/job_controller.go
"""

from collections.abc import Iterator

from dispatcher.local.cluster.apimachinery.objects import Object, name_of
from dispatcher.local.cluster.client.events import Saying

_COMPONENT = "job-controller"


def created(pod: Object) -> Saying:
    return Saying(_COMPONENT, "Normal", "SuccessfulCreate", f"Created pod: {name_of(pod)}")


def deleted(pod: Object) -> Saying:
    return Saying(_COMPONENT, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")


def not_created(why: str) -> Saying:
    return Saying(_COMPONENT, "Warning", "FailedCreate", f"Error creating: {why}")


def changed(before: Object, after: Object) -> Iterator[Saying]:
    """What has become of a Job between two of its statuses."""
    known = before.get("conditions") or []
    for condition in after.get("conditions") or []:
        if condition not in known and (saying := _of(condition)):
            yield saying


def _of(condition: Object) -> Saying | None:
    match condition["type"], condition["status"]:
        case "Complete", "True":
            return Saying(_COMPONENT, "Normal", "Completed", "Job completed")
        case "Failed", "True":
            return Saying(_COMPONENT, "Warning", condition["reason"], condition["message"])
        case "Suspended", "True":
            return Saying(_COMPONENT, "Normal", "Suspended", "Job suspended")
        case "Suspended", "False":
            return Saying(_COMPONENT, "Normal", "Resumed", "Job resumed")
    return None
