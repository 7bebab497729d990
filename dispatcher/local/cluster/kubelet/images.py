"""Which images can't be pulled. Pure, since the local cluster pulls none.

A registry below `.invalid` exists nowhere: a real cluster fails to find it in the same way.
https://www.rfc-editor.org/rfc/rfc2606#section-2
"""

import re

from dispatcher.local.cluster.apimachinery.objects import Object
from dispatcher.local.cluster.kubelet.pod_status import Waiting

# https://github.com/distribution/reference/blob/main/reference.go
_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?)/)?{_NAME}(?:/{_NAME})*"
    r"(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


def pull_problem(container: Object) -> Waiting | None:
    """Why the container's image isn't there and won't be."""
    image = str(container.get("image", ""))
    found = _REFERENCE.fullmatch(image)
    if found is None:
        why = f'Failed to apply default image tag "{image}": couldn\'t parse image name'
        return Waiting("InvalidImageName", f"{why}: invalid reference format")
    host = (found["host"] or "").partition(":")[0]
    if not host.endswith(".invalid"):
        return None
    why = f'failed to pull and unpack image "{image}": failed to resolve reference: dial tcp'
    return Waiting("ErrImagePull", f"{why}: lookup {host}: no such host")
