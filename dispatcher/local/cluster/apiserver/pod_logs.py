"""Which container's log a request for a Pod's log means. It reads objects, never log files.

https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/pod/strategy.go
"""

from dispatcher.local.cluster.apimachinery.api_errors import BadRequest
from dispatcher.local.cluster.apimachinery.objects import Object, name_of


def container_of(pod: Object, wanted: str) -> str:
    """The container that is asked for, or the only one; raises `BadRequest`."""
    spec = pod["spec"]
    main = [str(each["name"]) for each in spec["containers"]]
    inits = [str(each["name"]) for each in spec.get("initContainers") or []]
    if not wanted:
        if len(main) == 1:
            return main[0]
        raise BadRequest(
            f"a container name must be specified for pod {name_of(pod)}, choose one of: "
            f"[{' '.join(main)}]"
        )
    if wanted not in (*main, *inits):
        raise BadRequest(f"container {wanted} is not valid for pod {name_of(pod)}")
    return wanted


def check_started(pod: Object, container: str) -> None:
    """A container that waits for its first start has no log yet; raises `BadRequest`."""
    status = pod.get("status") or {}
    known = [
        *(status.get("containerStatuses") or []),
        *(status.get("initContainerStatuses") or []),
    ]
    found: Object = next((each for each in known if each["name"] == container), {})
    waiting = (found.get("state") or {}).get("waiting")
    if not found or (waiting and not found.get("lastState")):
        reason = (waiting or {}).get("reason", "ContainerCreating")
        raise BadRequest(
            f'container "{container}" in pod "{name_of(pod)}" is waiting to start: {reason}'
        )
