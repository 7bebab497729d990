"""The cause if the API server refuses a Job, or a Job's Pod."""

from __future__ import annotations

import re

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.errors import ClusterForbids, ClusterRefused
from workers.causes.cause import Cause, cause
from workers.kube.errors import NotThere

_QUOTA = re.compile(
    "exceeded quota|failed quota|status unknown for quota|maximum .* usage|must specify"
)
"""https://kubernetes.io/docs/concepts/policy/resource-quotas/"""
_RULE = re.compile("forbidden|denied|webhook|violates|service ?account", re.IGNORECASE)


def of_refusal(refused: ClusterRefused) -> Cause:
    """Why the API server refused a Job. A quota, a rule or a missing namespace can change, so those are
    retried; an invalid Job is not."""
    text = str(refused)
    if not isinstance(refused, (ClusterForbids, NotThere)):
        return cause(CauseKind.CONFIG, text)
    kind = of_words(text)
    return cause(kind if kind is CauseKind.QUOTA else CauseKind.ADMISSION, text, retry=True)


def of_words(text: str) -> CauseKind:
    """The kind, from the text: the API server gives nothing else."""
    if _QUOTA.search(text):
        return CauseKind.QUOTA
    return CauseKind.ADMISSION if _RULE.search(text) else CauseKind.UNKNOWN
