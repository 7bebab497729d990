"""Why a deploy does not start, or ended without success: the kinds. Values only."""

from __future__ import annotations

from enum import StrEnum


class CauseKind(StrEnum):
    """Why a deploy does not start, or ended without success; `workers.causes` decides."""

    SCRIPT = "script"  # a container of its own exited with a code other than 0
    CLONE = "clone"  # the commit was not cloned, or not in time
    MEMORY = "memory"  # a container used more memory than its limit
    IMAGE = "image"  # an image cannot be pulled
    CONFIG = "config"  # a container or the Job cannot be made as it is written: a Secret, a key, a command
    STORAGE = "storage"  # a volume cannot be mounted, or the Pod wrote more than its limit
    NETWORK = "network"  # the Pod gets no sandbox or no address
    TIMEOUT = "timeout"  # it took longer than `timeout`
    SCHEDULING = "scheduling"  # no node takes its Pod
    QUOTA = "quota"  # the namespace has no more room
    ADMISSION = (
        "admission"  # a rule, a right, a missing account or namespace forbids its Job or its Pod
    )
    EVICTED = "evicted"  # the cluster stopped its Pod: a drain, a preemption, a node under pressure
    NODE = "node"  # its node went, was restarted, or sent the Pod away
    VANISHED = "vanished"  # its Job or its Pod was deleted by somebody else
    UNKNOWN = "unknown"  # Kubernetes does not say
