"""Labels and annotations of our Jobs and Pods: their keys are written only here.

Labels hold only values of the configuration, and numbers; text of a payload goes into annotations.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.domain.job_contract import INTERRUPTIBLE as INTERRUPTIBLE

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "git-dispatcher"
"""The value of `MANAGED_BY`."""

TARGET = "git-dispatcher/target"
NUMBER = "git-dispatcher/number"
INSTANCE = "git-dispatcher/instance"
NAME_RESERVATION = "git-dispatcher/name-reservation"
"""Label "true" of a suspended Job that reserves a name."""

JOB_UID = "batch.kubernetes.io/controller-uid"
"""Label that Kubernetes puts on a Job's Pods."""
JOB_NAME = "batch.kubernetes.io/job-name"

DEPLOY = "git-dispatcher/deploy"
"""`shop/42`."""
TOKEN = "git-dispatcher/token"  # noqa: S105 - a random id, no secret
COMMIT = "git-dispatcher/commit"
REF = "git-dispatcher/ref"
REPOSITORY = "git-dispatcher/repository"
DELIVERY = "git-dispatcher/delivery"
REASON = "git-dispatcher/reason"
WANTED = "git-dispatcher/wanted-at"
"""When its commit was pushed or requested, by the ledger's clock (ms): a ledger that was rolled back sees
from it what is newer."""


def selector(instance: str) -> str:
    """A label selector for everything that an installation has created."""
    return f"{MANAGED_BY}={MANAGER},{INSTANCE}={instance}"


def target_selector(instance: str, target: str, former: Sequence[str] = ()) -> str:
    """The same for one target, under whatever names it had before."""
    if former:
        return f"{selector(instance)},{TARGET} in ({','.join([target, *former])})"
    return f"{selector(instance)},{TARGET}={target}"


def identity(instance: str, target: str) -> dict[str, str]:
    """The labels that all Jobs and Pods of a target share."""
    return {MANAGED_BY: MANAGER, INSTANCE: instance, TARGET: target}
