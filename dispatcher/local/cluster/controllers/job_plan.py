"""What the Job controller does next: a Job, its Pods and the time in, a plan out.

Pure. It follows the controller of Kubernetes 1.31 and later, whose Jobs pass
through an interim condition and are finished only when all their Pods are.
https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/job/job_controller.go
Indexed completion, success policies and Pod failure policies are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.local.cluster.apimachinery.objects import (
    Object,
    clone,
    is_deleting,
    name_of,
    phase_of,
    timestamp,
)
from dispatcher.local.cluster.controllers.job_view import JobView, is_ready

_MAX_BACKOFF = 360.0
_INTERIM = ("SuccessCriteriaMet", "FailureTarget")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How many Pods failed in a row since the last success, and when the latest did."""

    failures: int = 0
    last: datetime | None = None

    def remaining(self, now: datetime, base: float) -> float:
        """Seconds until a Pod may be made again: `base`, doubling, up to six minutes."""
        if not self.failures or self.last is None:
            return 0.0
        delay = min(base * 2.0 ** min(self.failures - 1, 30), _MAX_BACKOFF)
        return max(0.0, delay - (now - self.last).total_seconds())


@dataclass(frozen=True, slots=True)
class Plan:
    """In order: make and delete Pods, write `interim`, release Pods, write `status`.

    `release` are the Pods that are counted, or never will be. `again_after` is in seconds.
    """

    create: int = 0
    delete: tuple[Object, ...] = ()
    interim: Object | None = None
    release: tuple[Object, ...] = ()
    status: Object = field(default_factory=dict)
    backoff: Backoff = field(default_factory=Backoff)
    again_after: float | None = None


def plan(job: Object, pods: Sequence[Object], backoff: Backoff, now: datetime, base: float) -> Plan:
    """The next step of an unfinished Job; `base` is the first retry's delay in seconds."""
    view = JobView(job, pods, now)
    backoff = _note_results(view, backoff)
    status = clone(view.status)
    status.setdefault("conditions", [])
    status["uncountedTerminatedPods"] = {}
    if not is_deleting(job):
        _note_suspension(view, status)
    if not view.suspended:
        status.setdefault("startTime", timestamp(now))
    target = _known_target(status) or _failure(view, status)
    if target:
        return _finish(view, status, target, backoff)
    return _manage(view, status, backoff, base)


def _note_results(view: JobView, backoff: Backoff) -> Backoff:
    if view.new_succeeded:
        return Backoff()
    if failed := view.new_failed:
        return Backoff(backoff.failures + len(failed), view.now)
    return backoff


def _note_suspension(view: JobView, status: Object) -> None:
    """https://kubernetes.io/docs/concepts/workloads/controllers/job/#suspending-a-job"""
    if _known_target(status):
        return
    known = next((each for each in status["conditions"] if each["type"] == "Suspended"), None)
    wanted = "True" if view.suspended else "False"
    if (known is None and not view.suspended) or (known and known["status"] == wanted):
        return
    reason, message = "JobResumed", "Job resumed"
    if view.suspended:
        reason, message = "JobSuspended", "Job suspended"
    else:
        # The deadline counts from the latest start.
        status["startTime"] = timestamp(view.now)
    changed = _condition("Suspended", view.now, reason, message, status=wanted)
    status["conditions"] = [each for each in status["conditions"] if each is not known]
    status["conditions"].append(changed)


def _known_target(status: Object) -> Object | None:
    """The interim condition of a Job that has been decided before."""
    return next((each for each in status["conditions"] if each["type"] in _INTERIM), None)


def _failure(view: JobView, status: Object) -> Object | None:
    """The interim condition of a Job that has failed as of now."""
    if view.failed > view.spec["backoffLimit"] or view.has_too_many_restarts():
        message = "Job has reached the specified backoff limit"
        return _condition("FailureTarget", view.now, "BackoffLimitExceeded", message)
    left = view.time_left(status)
    if left is not None and left <= 0:
        message = "Job was active longer than specified deadline"
        return _condition("FailureTarget", view.now, "DeadlineExceeded", message)
    return None


def _success(view: JobView) -> Object:
    message = "Reached expected number of succeeded pods"
    return _condition("SuccessCriteriaMet", view.now, "CompletionsReached", message)


def _manage(view: JobView, status: Object, backoff: Backoff, base: float) -> Plan:
    """An undecided Job: too few Pods, too many, or the right number."""
    create, delete, wait = 0, tuple[Object, ...](), None
    if not is_deleting(view.job):
        create, delete, wait = _balance(view, backoff, base)
    if view.has_enough() and create + len(view.active) - len(delete) == 0:
        return _finish(view, status, _success(view), backoff)
    # Pods that are deleted because they are too many are never counted as failed.
    counted = [*view.new_succeeded, *view.new_failed]
    release = (*(view.uncounted if is_deleting(view.job) else counted), *delete)
    _count_running(view, status, create, delete)
    _count_ended(view, status, len(view.new_failed))
    waits = [each for each in (wait, view.time_left(status)) if each is not None]
    return Plan(
        create=create,
        delete=delete,
        release=release,
        status=status,
        backoff=backoff,
        again_after=min(waits, default=None),
    )


def _balance(
    view: JobView, backoff: Backoff, base: float
) -> tuple[int, tuple[Object, ...], float | None]:
    """How many Pods to make, which to delete, and how long to wait before making more."""
    if view.suspended:
        return 0, tuple(view.active), None
    surplus = len(view.active) - view.wanted()
    if surplus > 0:
        return 0, tuple(sorted(view.active, key=_by_progress)[:surplus]), None
    missing = -surplus - (view.terminating if view.replaces_failed_only else 0)
    if missing <= 0:
        return 0, (), None
    wait = backoff.remaining(view.now, base)
    return (0, (), wait) if wait > 0 else (missing, (), None)


def _by_progress(pod: Object) -> tuple[bool, str]:
    return (phase_of(pod) == "Running", name_of(pod))


def _finish(view: JobView, status: Object, target: Object, backoff: Backoff) -> Plan:
    """A decided Job: its Pods go, and when the last is terminal the final condition comes."""
    failing = target["type"] == "FailureTarget"
    delete = tuple(view.active)
    _count_running(view, status, 0, delete)
    interim = None
    if not _known_target(status):
        status["conditions"].append(target)
        interim = clone(status)
    unfinished = [pod for pod in view.uncounted if phase_of(pod) != "Succeeded"]
    _count_ended(view, status, len(unfinished if failing else view.new_failed))
    if status["terminating"] == 0:
        _conclude(view, status, target)
    return Plan(
        delete=delete,
        interim=interim,
        release=tuple(view.uncounted),
        status=status,
        backoff=backoff,
    )


def _conclude(view: JobView, status: Object, target: Object) -> None:
    final = "Failed" if target["type"] == "FailureTarget" else "Complete"
    reason, message = target["reason"], target["message"]
    status["conditions"].append(_condition(final, view.now, reason, message))
    if final == "Complete":
        status["completionTime"] = timestamp(view.now)


def _count_running(view: JobView, status: Object, create: int, delete: Sequence[Object]) -> None:
    """The running Pods as they are once the plan is carried out."""
    left = [pod for pod in view.active if pod not in delete]
    _set_count(status, "active", len(left) + create)
    status["ready"] = sum(is_ready(pod) for pod in left)
    status["terminating"] = view.terminating + len(delete)


def _count_ended(view: JobView, status: Object, failed: int) -> None:
    _set_count(status, "succeeded", view.succeeded)
    _set_count(status, "failed", int(view.status.get("failed", 0)) + failed)


def _set_count(status: Object, name: str, count: int) -> None:
    """A zero is left out, as Go's `omitempty` does."""
    if count:
        status[name] = count
    else:
        status.pop(name, None)


def _condition(kind: str, now: datetime, reason: str, message: str, status: str = "True") -> Object:
    return {
        "type": kind,
        "status": status,
        "lastProbeTime": timestamp(now),
        "lastTransitionTime": timestamp(now),
        "reason": reason,
        "message": message,
    }
