"""What the Job controller does next: a Job, its Pods and the time in, a plan out.

Purely computational. It follows the controller of Kubernetes 1.31 and later, whose Jobs pass
through an interim condition and are finished only when all their Pods are.
https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/job/job_controller.go
Indexed completion, success policies and Pod failure policies are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workers.localcluster.objects import (
    JOB_TRACKING,
    Object,
    clone,
    finalizers_of,
    is_deleting,
    is_terminal,
    name_of,
    parse_timestamp,
    phase_of,
    timestamp,
)

_MAX_BACKOFF = 360.0


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

    `again_after` is in seconds. `release` are the Pods that have been counted.
    """

    create: int = 0
    delete: tuple[Object, ...] = ()
    interim: Object | None = None
    release: tuple[Object, ...] = ()
    status: Object = field(default_factory=dict)
    backoff: Backoff = field(default_factory=Backoff)
    again_after: float | None = None


@dataclass(slots=True)
class _View:
    """The Job's Pods, sorted by what the controller wants to know about them."""

    job: Object
    pods: Sequence[Object]
    now: datetime
    active: list[Object] = field(init=False)
    terminating: int = field(init=False)

    def __post_init__(self) -> None:
        running = [pod for pod in self.pods if not is_terminal(pod)]
        self.active = [pod for pod in running if not is_deleting(pod)]
        self.terminating = len(running) - len(self.active)

    @property
    def spec(self) -> Object:
        spec: Object = self.job["spec"]
        return spec

    @property
    def status(self) -> Object:
        return self.job.get("status") or {}

    @property
    def suspended(self) -> bool:
        return bool(self.spec.get("suspend"))

    @property
    def replaces_failed_only(self) -> bool:
        return self.spec.get("podReplacementPolicy") == "Failed"

    @property
    def uncounted(self) -> list[Object]:
        return [pod for pod in self.pods if JOB_TRACKING in finalizers_of(pod)]

    def has_failed(self, pod: Object) -> bool:
        """With the policy `TerminatingOrFailed` a Pod fails as soon as it is being deleted."""
        if phase_of(pod) == "Failed":
            return True
        early = not self.replaces_failed_only and is_deleting(pod)
        return early and phase_of(pod) != "Succeeded"

    @property
    def new_failed(self) -> list[Object]:
        return [pod for pod in self.uncounted if self.has_failed(pod)]

    @property
    def new_succeeded(self) -> list[Object]:
        return [pod for pod in self.uncounted if phase_of(pod) == "Succeeded"]

    @property
    def succeeded(self) -> int:
        return int(self.status.get("succeeded", 0)) + len(self.new_succeeded)

    @property
    def failed(self) -> int:
        return int(self.status.get("failed", 0)) + len(self.new_failed)


def is_finished(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)


def plan(job: Object, pods: Sequence[Object], backoff: Backoff, now: datetime, base: float) -> Plan:
    """The next step of an unfinished Job; `base` is the first retry's delay in seconds."""
    view = _View(job, pods, now)
    backoff = _note_results(view, backoff)
    status = clone(view.status)
    status.setdefault("conditions", [])
    status["uncountedTerminatedPods"] = {}
    if not view.suspended:
        status.setdefault("startTime", timestamp(now))
    target = _target(view, status)
    if target:
        return _finish(view, status, target, tuple(view.active), backoff)
    return _manage(view, status, backoff, base)


def _note_results(view: _View, backoff: Backoff) -> Backoff:
    if view.new_succeeded:
        return Backoff()
    if failed := view.new_failed:
        return Backoff(backoff.failures + len(failed), view.now)
    return backoff


def _target(view: _View, status: Object) -> Object | None:
    """The interim condition of a Job that is decided, be it from before or as of now."""
    for condition in status["conditions"]:
        if condition["type"] in ("SuccessCriteriaMet", "FailureTarget"):
            return dict(condition)
    if view.failed > view.spec["backoffLimit"] or _too_many_restarts(view):
        return _condition(
            "FailureTarget", view.now, "BackoffLimitExceeded",
            "Job has reached the specified backoff limit",
        )  # fmt: skip
    remaining = _deadline(view, status)
    if remaining is not None and remaining <= 0:
        return _condition(
            "FailureTarget", view.now, "DeadlineExceeded",
            "Job was active longer than specified deadline",
        )  # fmt: skip
    return None


def _too_many_restarts(view: _View) -> bool:
    if view.spec["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(
        int(container.get("restartCount", 0))
        for pod in view.pods
        if not is_terminal(pod)
        for kind in ("initContainerStatuses", "containerStatuses")
        for container in (pod.get("status") or {}).get(kind) or []
    )
    limit = int(view.spec["backoffLimit"])
    return restarts > 0 if limit == 0 else restarts >= limit


def _deadline(view: _View, status: Object) -> float | None:
    """Seconds that the Job may still be active."""
    seconds = view.spec.get("activeDeadlineSeconds")
    if seconds is None or view.suspended:
        return None
    spent = (view.now - parse_timestamp(status["startTime"])).total_seconds()
    return float(seconds) - spent


def _manage(view: _View, status: Object, backoff: Backoff, base: float) -> Plan:
    """An undecided Job: too few Pods, too many, or the right number."""
    create, delete, wait = 0, tuple[Object, ...](), None
    if not is_deleting(view.job):
        create, delete, wait = _balance(view, backoff, base)
    if not create and _is_complete(view, len(view.active) - len(delete)):
        condition = _condition("SuccessCriteriaMet", view.now, "CompletionsReached",
                               "Reached expected number of succeeded pods")  # fmt: skip
        return _finish(view, status, condition, (), backoff)
    if not is_deleting(view.job):
        _note_suspension(view, status)
    release = _countable(view)
    _count(view, status, view.new_failed, create, delete)
    waits = [each for each in (wait, _deadline(view, status)) if each is not None]
    return Plan(
        create=create,
        delete=delete,
        release=release,
        status=status,
        backoff=backoff,
        again_after=min(waits, default=None),
    )


def _balance(
    view: _View, backoff: Backoff, base: float
) -> tuple[int, tuple[Object, ...], float | None]:
    """How many Pods to make, which to delete, and how long to wait before making more."""
    active = len(view.active)
    if view.suspended:
        return 0, tuple(view.active), None
    wanted = _wanted(view)
    if active > wanted:
        youngest_first = sorted(view.active, key=_by_progress)
        return 0, tuple(youngest_first[: active - wanted]), None
    missing = wanted - active - (view.terminating if view.replaces_failed_only else 0)
    if missing <= 0:
        return 0, (), None
    remaining = backoff.remaining(view.now, base)
    return (0, (), remaining) if remaining > 0 else (missing, (), None)


def _wanted(view: _View) -> int:
    parallelism = int(view.spec["parallelism"])
    completions = view.spec.get("completions")
    if completions is None:
        return len(view.active) if view.succeeded else parallelism
    return max(0, min(parallelism, int(completions) - view.succeeded))


def _by_progress(pod: Object) -> tuple[bool, str]:
    return (phase_of(pod) == "Running", name_of(pod))


def _is_complete(view: _View, active: int) -> bool:
    completions = view.spec.get("completions")
    enough = view.succeeded > 0 if completions is None else view.succeeded >= int(completions)
    return enough and active == 0


def _countable(view: _View) -> tuple[Object, ...]:
    if is_deleting(view.job):
        return tuple(view.uncounted)
    return (*view.new_succeeded, *view.new_failed)


def _finish(
    view: _View, status: Object, target: Object, delete: tuple[Object, ...], backoff: Backoff
) -> Plan:
    """A decided Job: its Pods go, and when the last is terminal the final condition comes."""
    interim = None
    failing = target["type"] == "FailureTarget"
    unfinished = [pod for pod in view.uncounted if phase_of(pod) != "Succeeded"]
    if not any(each["type"] == target["type"] for each in status["conditions"]):
        status["conditions"].append(target)
        interim = clone(status)
    _count(view, status, unfinished if failing else view.new_failed, 0, delete)
    if status["terminating"] == 0 and status.get("active", 0) == 0:
        final = "Failed" if failing else "Complete"
        reason, message = target.get("reason", ""), target.get("message", "")
        status["conditions"].append(_condition(final, view.now, reason, message))
        if not failing:
            status["completionTime"] = timestamp(view.now)
    return Plan(
        delete=delete,
        interim=interim,
        release=tuple(view.uncounted),
        status=status,
        backoff=backoff,
    )


def _count(
    view: _View,
    status: Object,
    failed: Sequence[Object],
    create: int,
    delete: Sequence[Object],
) -> None:
    """Writes the counters as they are once the plan is carried out; zeros are left out as in Go."""
    left = [pod for pod in view.active if pod not in delete]
    counters: dict[str, Any] = {
        "active": len(left) + create,
        "succeeded": view.succeeded,
        "failed": int(view.status.get("failed", 0)) + len(failed),
    }
    for key, value in counters.items():
        if value:
            status[key] = value
        else:
            status.pop(key, None)
    status["ready"] = sum(_is_ready(pod) for pod in left)
    status["terminating"] = view.terminating + len(delete)


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _note_suspension(view: _View, status: Object) -> None:
    """https://kubernetes.io/docs/concepts/workloads/controllers/job/#suspending-a-job"""
    known = next((each for each in status["conditions"] if each["type"] == "Suspended"), None)
    wanted = "True" if view.suspended else "False"
    if (known is None and not view.suspended) or (known and known["status"] == wanted):
        return
    reason = ("JobSuspended", "Job suspended") if view.suspended else ("JobResumed", "Job resumed")
    condition = _condition("Suspended", view.now, *reason, status=wanted)
    status["conditions"] = [each for each in status["conditions"] if each is not known]
    status["conditions"].append(condition)
    if not view.suspended:
        # The deadline counts from the latest start.
        status["startTime"] = timestamp(view.now)


def _condition(kind: str, now: datetime, reason: str, message: str, status: str = "True") -> Object:
    return {
        "type": kind,
        "status": status,
        "lastProbeTime": timestamp(now),
        "lastTransitionTime": timestamp(now),
        "reason": reason,
        "message": message,
    }
