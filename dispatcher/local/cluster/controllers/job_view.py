"""A Job and its Pods, seen the way the Job controller counts them. Pure.

https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.local.cluster.apimachinery.objects import (
    JOB_TRACKING,
    Object,
    finalizers_of,
    is_deleting,
    is_terminal,
    parse_timestamp,
    phase_of,
)


@dataclass(slots=True)
class JobView:
    """`active` Pods may still run and aren't being deleted; `terminating` ones are."""

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
        """The Pods that the status doesn't count yet still have the tracking finalizer."""
        return [pod for pod in self.pods if JOB_TRACKING in finalizers_of(pod)]

    @property
    def new_failed(self) -> list[Object]:
        return [pod for pod in self.uncounted if self._has_failed(pod)]

    @property
    def new_succeeded(self) -> list[Object]:
        return [pod for pod in self.uncounted if phase_of(pod) == "Succeeded"]

    @property
    def succeeded(self) -> int:
        return int(self.status.get("succeeded", 0)) + len(self.new_succeeded)

    @property
    def failed(self) -> int:
        return int(self.status.get("failed", 0)) + len(self.new_failed)

    def _has_failed(self, pod: Object) -> bool:
        """With the policy `TerminatingOrFailed` a Pod fails as soon as it is being deleted."""
        if phase_of(pod) == "Failed":
            return True
        early = not self.replaces_failed_only and is_deleting(pod)
        return early and phase_of(pod) != "Succeeded"

    def has_too_many_restarts(self) -> bool:
        """Restarts in place count against the limit while their Pod runs."""
        if self.spec["template"]["spec"].get("restartPolicy") != "OnFailure":
            return False
        restarts = sum(_restarts(pod) for pod in self.pods if not is_terminal(pod))
        limit = int(self.spec["backoffLimit"])
        return restarts > 0 if limit == 0 else restarts >= limit

    def time_left(self, status: Object) -> float | None:
        """Seconds that the Job may still be active, if there is a limit to it."""
        seconds = self.spec.get("activeDeadlineSeconds")
        if seconds is None or self.suspended:
            return None
        spent = (self.now - parse_timestamp(status["startTime"])).total_seconds()
        return float(seconds) - spent

    def wanted(self) -> int:
        """How many Pods should be active."""
        parallelism = int(self.spec["parallelism"])
        completions = self.spec.get("completions")
        if completions is None:
            return len(self.active) if self.succeeded else parallelism
        return max(0, min(parallelism, int(completions) - self.succeeded))

    def has_enough(self) -> bool:
        """Whether as many Pods succeeded as the Job asks for."""
        completions = self.spec.get("completions")
        if completions is None:
            return self.succeeded > 0
        return self.succeeded >= int(completions)


def is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def is_finished(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)


def _restarts(pod: Object) -> int:
    status = pod.get("status") or {}
    return sum(
        int(container.get("restartCount", 0))
        for kind in ("initContainerStatuses", "containerStatuses")
        for container in status.get(kind) or []
    )
