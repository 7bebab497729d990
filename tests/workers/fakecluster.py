"""A cluster in memory: Jobs, Pods and their events, with as much freedom as Kubernetes takes itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from workers import labels
from workers.cluster import JobExists, NotThere
from workers.feed import Changed, Listed, News
from workers.objects import (
    Condition,
    ContainerState,
    ContainerStatus,
    Job,
    JobStatus,
    Metadata,
    Pod,
    PodStatus,
    Terminated,
)

NAMESPACE = "ns"
_RUNS = ContainerStatus("deploy", ContainerState(running={}))


@dataclass
class Inbox:
    """What a watcher has not taken yet: each kind in order, the kinds in any order."""

    waiting: dict[str, deque[News]] = field(
        default_factory=lambda: {"job": deque(), "pod": deque()}
    )
    last: dict[str, News] = field(default_factory=dict)

    def any(self) -> bool:
        return any(self.waiting.values())

    def take(self, kind: str, most: int) -> list[News]:
        queue = self.waiting[kind]
        taken = [queue.popleft() for _ in range(min(most, len(queue)))]
        if taken:
            self.last[kind] = taken[-1]
        return taken


class FakeCluster:
    """`ClusterCalls` as the API server answers them, and what controllers and people do besides."""

    def __init__(self, clock: Callable[[], int], created: Callable[[dict[str, Any]], None]) -> None:
        self._clock, self._created = clock, created
        self._version = 0
        self.jobs: dict[str, Job] = {}
        self.pods: dict[str, Pod] = {}
        self.suspended: set[str] = set()
        self.inboxes: list[Inbox] = []

    # As workers see it

    def create_job(self, manifest: dict[str, Any]) -> Job:
        metadata = manifest["metadata"]
        if metadata["name"] in self.jobs:
            raise JobExists(f"could not create Job {metadata['name']}: it exists (409)")
        self._created(manifest)
        uid = f"uid-{self._version + 1}"
        if manifest["spec"].get("suspend"):
            self.suspended.add(uid)
        born = datetime.fromtimestamp(self._clock() // 1000, UTC)
        return self._job(
            Metadata(
                name=metadata["name"],
                namespace=metadata["namespace"],
                uid=uid,
                creation_timestamp=born,
                labels=metadata["labels"],
                annotations=metadata["annotations"],
            ),
            JobStatus(),
        )

    def job(self, namespace: str, name: str) -> Job:
        if name not in self.jobs:
            raise NotThere(f"could not read Job {name}: not found (404)")
        return self.jobs[name]

    def delete_job(self, namespace: str, name: str, uid: str) -> bool:
        job = self.jobs.get(name)
        if job is None or job.metadata.uid != uid:
            return False
        if job.metadata.deletion_timestamp is None:
            self._told_to_go(job)
        return True

    def pods_of(self, namespace: str, selector: str) -> list[Pod]:
        wanted = [part.partition("=")[2] for part in selector.split(",") if labels.JOB_UID in part]
        return [
            pod
            for pod in self.pods.values()
            if not wanted or pod.metadata.labels[labels.JOB_UID] == wanted[0]
        ]

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        if not any(each.metadata.name == pod for each in self.pods.values()):
            raise NotThere(f"could not read the log of {pod}: not found (404)")
        return "the log"

    # As a watcher sees it

    def list_into(self, inbox: Inbox, kinds: tuple[str, ...] = ("job", "pod")) -> None:
        """What a feed's LIST would find now."""
        items = {"job": tuple(self.jobs.values()), "pod": tuple(self.pods.values())}
        for kind in kinds:
            listed = Listed(NAMESPACE, kind, items[kind], str(self._version))  # type: ignore[arg-type]
            inbox.waiting[kind].append(listed)

    # What goes on in it. Each returns whether there was anything to do.

    def make_pod(self, name: str) -> bool:
        job = self.jobs[name]
        uid = job.metadata.uid
        ended = job.status.conditions or job.metadata.deletion_timestamp
        if uid in self.suspended or ended or self._pods_of(uid):
            return False
        metadata = replace(
            job.metadata, name=f"{name}-pod", uid=f"pod-of-{uid}", deletion_timestamp=None
        )
        self._pod(
            replace(metadata, labels=metadata.labels | {labels.JOB_UID: uid}), PodStatus("Pending")
        )
        return True

    def run_pod(self, uid: str) -> bool:
        pod = self.pods[uid]
        if pod.status.phase != "Pending" or pod.metadata.deletion_timestamp:
            return False
        self._pod(pod.metadata, PodStatus("Running", container_statuses=(_RUNS,)))
        return True

    def end_pod(self, uid: str, exit_code: int) -> bool:
        pod = self.pods[uid]
        if pod.status.phase != "Running":
            return False
        ended = ContainerState(terminated=Terminated(exit_code=exit_code))
        status = PodStatus(
            "Failed" if exit_code else "Succeeded",
            container_statuses=(ContainerStatus("deploy", ended),),
        )
        self._pod(pod.metadata, status)
        return True

    def end_job(self, name: str) -> bool:
        """The Job controller notices how its Pod ended."""
        job = self.jobs[name]
        phases = {pod.status.phase for pod in self._pods_of(job.metadata.uid)}
        if job.status.conditions or not phases <= {"Succeeded", "Failed"} or not phases:
            return False
        end = Condition("Failed" if "Failed" in phases else "Complete", "True", "it ended")
        self._job(job.metadata, JobStatus((end,)))
        return True

    def remove_job(self, name: str) -> bool:
        """The deletion of a Job is done; young Pods may outlive it."""
        job = self.jobs[name]
        if job.metadata.deletion_timestamp is None:
            return False
        self._job(job.metadata, job.status, deleted=True)
        return True

    def remove_pod(self, uid: str) -> bool:
        """The deletion of a Pod is done."""
        pod = self.pods[uid]
        if pod.metadata.deletion_timestamp is None:
            return False
        self._pod(pod.metadata, pod.status, deleted=True)
        return True

    def delete_from_outside(self, name: str) -> None:
        """`kubectl delete job`: the Job goes at once, its Pods when they like."""
        self._told_to_go(self.jobs[name])
        self.remove_job(name)

    def moves(self) -> list[Callable[[], bool]]:
        """All that may go on of itself."""
        jobs, pods = list(self.jobs), list(self.pods)
        return [
            *(lambda n=n: self.make_pod(n) for n in jobs),
            *(lambda u=u: self.run_pod(u) for u in pods),
            *(lambda n=n: self.end_job(n) for n in jobs),
            *(lambda n=n: self.remove_job(n) for n in jobs),
            *(lambda u=u: self.remove_pod(u) for u in pods),
        ]

    def live_jobs(self) -> set[str]:
        """The Jobs whose Pods live."""
        return {pod.metadata.labels[labels.JOB_UID] for pod in self.pods.values() if pod.live}

    def _pods_of(self, uid: str) -> list[Pod]:
        return [p for p in self.pods.values() if p.metadata.labels[labels.JOB_UID] == uid]

    def _told_to_go(self, job: Job) -> None:
        now = datetime.now(UTC)
        self._job(replace(job.metadata, deletion_timestamp=now), job.status)
        for pod in self._pods_of(job.metadata.uid):
            self._pod(replace(pod.metadata, deletion_timestamp=now), pod.status)

    def _job(self, metadata: Metadata, status: JobStatus, deleted: bool = False) -> Job:
        job = Job(replace(metadata, resource_version=self._next()), status)
        self.jobs[metadata.name] = job
        if deleted:
            del self.jobs[metadata.name]
        self._tell("job", Changed(job, deleted))
        return job

    def _pod(self, metadata: Metadata, status: PodStatus, deleted: bool = False) -> None:
        pod = Pod(replace(metadata, resource_version=self._next()), status)
        self.pods[metadata.uid] = pod
        if deleted:
            del self.pods[metadata.uid]
        self._tell("pod", Changed(pod, deleted))

    def _tell(self, kind: str, news: News) -> None:
        for inbox in self.inboxes:
            inbox.waiting[kind].append(news)

    def _next(self) -> str:
        self._version += 1
        return str(self._version)


def is_tombstone(manifest: dict[str, Any]) -> bool:
    return labels.TOMBSTONE in manifest["metadata"]["labels"]
