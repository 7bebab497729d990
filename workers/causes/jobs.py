"""The cause of a Job's own end, or of a start that took too long, if no Pod shows a better one."""

from __future__ import annotations

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy
from dispatcher.domain.durations import show_duration
from dispatcher.domain.observed_job import ObservedJob
from workers.causes.cause import Cause, cause
from workers.causes.pods import DEADLINE, timed_out

VANISHED = cause(
    CauseKind.VANISHED, "its Job vanished", "somebody or something else deleted it", retry=True
)
_EXPECTED = "BackoffLimitExceeded"
"""Means only that Pods failed.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy
"""


def of_end(observed: ObservedJob, of_pods: Cause | None) -> Cause:
    """Why a Job failed; its Pods show the cause `of_pods`."""
    if observed.reason == DEADLINE:
        text = timed_out(observed.timeout, observed.deadline)
        waits = of_pods.why if of_pods and not observed.started else ""
        return cause(CauseKind.TIMEOUT, text, waits)
    if of_pods is None:
        return cause(CauseKind.UNKNOWN, "its Job failed", observed.reason, observed.message)
    if observed.reason in (_EXPECTED, "") or of_pods.retry:
        return of_pods
    more = ": ".join(part for part in (observed.reason, observed.message) if part)
    return cause(of_pods.kind, f"{of_pods.why}; {more}")


def of_wait(deploy: Deploy) -> Cause | None:
    """What a deploy that does not start waits for, if that is known."""
    return Cause(deploy.cause, deploy.why, retry=True) if deploy.cause else None


def never_started(ended: Cause, waited: Cause | None) -> Cause:
    """A run that timed out while it still waited for something: the wait is the cause."""
    if ended.kind is not CauseKind.TIMEOUT or waited is None:
        return ended
    return cause(waited.kind, ended.why, waited.why)


def not_started(timeout: int, waited: Cause | None) -> Cause:
    """The cause after `start_timeout` (s)."""
    silent = "neither its Job, its Pod nor their events say why"
    kind = waited.kind if waited else CauseKind.UNKNOWN
    text = f"it did not start within {timeout} s (start_timeout: {show_duration(timeout)})"
    return cause(kind, text, waited.why if waited else silent, retry=True)


def slow_clone(timeout: int) -> Cause:
    """The cause after `clone_timeout` (s)."""
    text = f"container clone did not finish within {timeout} s (clone_timeout: {show_duration(timeout)})"
    return cause(CauseKind.CLONE, text, retry=True)
