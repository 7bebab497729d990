"""What an operator can do about a cause: one sentence on what it means, one action. Pure."""

from __future__ import annotations

from typing import NamedTuple

from dispatcher.domain.cause import CauseKind


class Advice(NamedTuple):
    meaning: str
    action: str


ADVICE = {
    CauseKind.SCRIPT: Advice(
        "The deploy's own command ended with an error.",
        "Read the end of its log; push a fix, or redeploy if the cause was outside.",
    ),
    CauseKind.CLONE: Advice(
        "The commit could not be cloned.",
        "Check the target's repository, the clone's Secret, and whether the host still has the commit.",
    ),
    CauseKind.MEMORY: Advice(
        "A container used more memory than its limit.",
        "Raise the memory limit in the target's job, then redeploy.",
    ),
    CauseKind.IMAGE: Advice(
        "An image cannot be pulled.",
        "Check the image's name and tag, and the registry's pull secret.",
    ),
    CauseKind.CONFIG: Advice(
        "A container cannot be made as the Job is written.",
        "Check that the Secrets, ConfigMaps and the command that the job names are there.",
    ),
    CauseKind.STORAGE: Advice(
        "A volume cannot be mounted, or the Pod wrote more than it may.",
        "Check the volume's claim, or raise the ephemeral-storage limit.",
    ),
    CauseKind.NETWORK: Advice(
        "The Pod gets no network.",
        "Ask whoever runs the cluster's network; the deploy is tried again by itself.",
    ),
    CauseKind.TIMEOUT: Advice(
        "It took longer than its timeout.",
        "Find in the log what it waited for, or raise `timeout`.",
    ),
    CauseKind.SCHEDULING: Advice(
        "No node takes its Pod.",
        "Compare the job's resources and node selector with the nodes that there are.",
    ),
    CauseKind.QUOTA: Advice(
        "The namespace has no more room.",
        "Raise the namespace's quota, or wait until other Jobs have ended.",
    ),
    CauseKind.ADMISSION: Advice(
        "A rule of the cluster forbids its Job or its Pod.",
        "Compare the manifest with what the API server says, and change one of the two.",
    ),
    CauseKind.EVICTED: Advice(
        "The cluster stopped its Pod to make room or to drain a node.",
        "Nothing, if it is tried again; else redeploy.",
    ),
    CauseKind.NODE: Advice("Its node went away.", "Nothing, if it is tried again; else redeploy."),
    CauseKind.VANISHED: Advice(
        "Somebody or something else deleted its Job or its Pod.",
        "Find out who deletes Jobs in the namespace, then redeploy.",
    ),
    CauseKind.UNKNOWN: Advice(
        "Kubernetes does not say why.",
        "Look at the Pod's events and the node's log, then redeploy.",
    ),
}


def advice(cause: CauseKind | None) -> Advice | None:
    return ADVICE[cause] if cause else None
