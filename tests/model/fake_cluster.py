"""A cluster in memory: Jobs, Pods and their events, with as much freedom as Kubernetes takes itself."""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from dispatcher.domain.errors import ClusterForbids, ClusterUnavailable
from workers.kube import labels
from workers.kube.client import JobExists, NotThere
from workers.kube.objects import (
    Condition,
    ContainerState,
    ContainerStatus,
    Event,
    Job,
    JobStatus,
    ListMetadata,
    Metadata,
    Pod,
    PodList,
    PodStatus,
    Terminated,
    Waiting,
)
from workers.watch.reflector import ObjectChanged, ObjectsListed, ReflectorEvent

NAMESPACE, OTHER_NAMESPACE = "ns", "ns2"
ALL = ""
_INITIALIZING = ContainerState(waiting=Waiting("PodInitializing"))
_NO_IMAGE = ContainerState(waiting=Waiting("ImagePullBackOff", "no such image"))
_RUNS = ContainerStatus("deploy", ContainerState(running={}))


@dataclass
class Inbox:
    """What reflectors of one generation have not delivered yet: each kind in order, the kinds in any order."""

    waiting: dict[str, deque[ReflectorEvent]] = field(
        default_factory=lambda: {"job": deque(), "pod": deque()}
    )
    last: dict[str, ReflectorEvent] = field(default_factory=dict)
    handlers: dict[str, Callable[[ReflectorEvent], None]] = field(default_factory=dict)
    """Kind → what handles the events of its reflector."""

    def any(self) -> bool:
        """Whether anything is left to be delivered."""
        return any(self.waiting.values())

    def deliver(self, kind: str, most: int) -> int:
        """The reflector of this kind delivers its oldest events, also once it was stopped; returns how many."""
        queue = self.waiting[kind]
        taken = [queue.popleft() for _ in range(min(most, len(queue)))]
        for event in taken:
            self.last[kind] = event
            self.handlers[kind](event)
        return len(taken)


@dataclass
class FakeReflector:
    """Receives the cluster's events, and delivers them when a test says so: see `Inbox.deliver`."""

    cluster: FakeCluster
    kind: str
    inbox: Inbox

    def start(self) -> None:
        self.cluster.list_into(self.inbox, (self.kind,))

    def stop(self) -> None:
        """It receives no more; events that it has received may still be undelivered."""
        if self.inbox in self.cluster.inboxes:
            self.cluster.inboxes.remove(self.inbox)
            self.cluster.stopped.append(self.inbox)


@dataclass(frozen=True)
class Backup:
    """What a cluster is restored to."""

    version: int
    jobs: dict[str, Job]
    pods: dict[str, Pod]
    ends: dict[str, str]


class FakeCluster:
    """`ClusterClient` as the API server answers them, and what controllers and users do besides."""

    def __init__(self, clock: Callable[[], int], created: Callable[[dict[str, Any]], None]) -> None:
        self._clock, self._created = clock, created
        self._version = self._born = 0
        self.jobs: dict[str, Job] = {}
        self.pods: dict[str, Pod] = {}
        self.suspended: set[str] = set()
        self.ends: dict[str, str] = {}
        """Uid of a Job → the phase in which its Pod ended: it counts also when the Pod is gone."""
        self.events_by_uid: dict[str, list[Event]] = {}
        """Uid of a Job or a Pod → the events about it."""
        self.log_unavailable = ""
        """Why no log comes, though the Pod is there; "" if they do."""
        self.events_forbidden = ""
        """The error's message; "" if events may be read."""
        self.inboxes: list[Inbox] = []
        """Of the reflectors that are followed."""
        self.stopped: list[Inbox] = []
        """Of reflectors that were stopped, and deliver late what they have."""

    # As workers see it

    def create_job(self, manifest: dict[str, Any]) -> Job:
        metadata = manifest["metadata"]
        if key(metadata["namespace"], metadata["name"]) in self.jobs:
            raise JobExists(f"could not create Job {metadata['name']}: it exists (409)")
        self._created(manifest)
        self._born += 1
        uid = f"uid-{self._born}"
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
        if key(namespace, name) not in self.jobs:
            raise NotThere(f"could not read Job {name}: not found (404)")
        return self.jobs[key(namespace, name)]

    def delete_job(self, namespace: str, name: str, uid: str) -> bool:
        job = self.jobs.get(key(namespace, name))
        if job is None or job.metadata.uid != uid:
            return False
        if job.metadata.deletion_timestamp is None:
            self._mark_deleted(job)
        return True

    def delete_pod(self, namespace: str, name: str, uid: str) -> bool:
        pod = self.pods.get(uid)
        if pod is None:
            return False
        self._pod(replace(pod.metadata, deletion_timestamp=datetime.now(UTC)), pod.status)
        return True

    def pods_of(self, namespace: str, selector: str) -> list[Pod]:
        pods = (pod for pod in self.pods.values() if pod.metadata.namespace == namespace)
        return [pod for pod in pods if _selects(selector, pod.metadata.labels)]

    def page_of_pods(self, namespace: str, selector: str, position: str = "") -> PodList:
        return PodList(ListMetadata(), tuple(self.pods_of(namespace, selector)))

    def events(self, namespace: str, uid: str) -> list[Event]:
        """The events about one object."""
        if self.events_forbidden:
            raise ClusterForbids(self.events_forbidden)
        return self.events_by_uid.get(uid, [])

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        if self.log_unavailable:
            raise ClusterUnavailable(self.log_unavailable)
        if not any(each.metadata.name == pod for each in self.pods.values()):
            raise NotThere(f"could not read the log of {pod}: not found (404)")
        return "the log"

    # As a watcher sees it

    def new_inbox(self) -> Inbox:
        """A watcher's reflectors begin: the one before receives no more."""
        inbox = Inbox()
        self.stopped += self.inboxes
        self.inboxes = [inbox]
        return inbox

    def list_into(self, inbox: Inbox, kinds: tuple[str, ...] = ("job", "pod")) -> None:
        """What a reflector's LIST would find now."""
        items = {"job": tuple(self.jobs.values()), "pod": tuple(self.pods.values())}
        for kind in kinds:
            listed = ObjectsListed(ALL, kind, items[kind], str(self._version))  # type: ignore[arg-type]
            inbox.waiting[kind].append(listed)

    # Steps of controllers, scheduler and kubelets. Each returns whether it changed anything.

    def make_pod(self, name: str) -> bool:
        job = self.jobs[name]
        uid = job.metadata.uid
        ended = job.status.conditions or job.metadata.deletion_timestamp or uid in self.ends
        if uid in self.suspended or ended or self._pods_of(uid):
            return False
        metadata = replace(
            job.metadata,
            name=f"{job.metadata.name}-pod",
            uid=f"pod-of-{uid}",
            deletion_timestamp=None,
        )
        self._pod(replace(metadata, labels=_labels_of_pod(job)), PodStatus("Pending"))
        return True

    def run_pod(self, uid: str) -> bool:
        pod = self.pods[uid]
        if pod.status.phase != "Pending" or pod.metadata.deletion_timestamp:
            return False
        self._pod(pod.metadata, PodStatus("Running", container_statuses=(_RUNS,)))
        return True

    def keep_pod_from_starting(self, uid: str, how: str) -> bool:
        """Its kubelet is busy with the clone, or can't start what comes after it, or the clone fails."""
        pod = self.pods[uid]
        if pod.status.phase != "Pending" or pod.metadata.deletion_timestamp:
            return False
        clone, main = {
            "clones": (ContainerState(running={}), _INITIALIZING),
            "waits": (ContainerState(terminated=Terminated()), _NO_IMAGE),
            "fails to clone": (ContainerState(terminated=Terminated(1)), _INITIALIZING),
        }[how]
        fails = how == "fails to clone"
        if fails:
            self.ends[pod.metadata.labels[labels.JOB_UID]] = "Failed"
        status = PodStatus(
            "Failed" if fails else "Pending",
            init_container_statuses=(ContainerStatus("clone", clone, container_id="c://1"),),
            container_statuses=(ContainerStatus("deploy", main),),
        )
        self._pod(pod.metadata, status)
        return True

    def add_events(self, forbidden: bool) -> None:
        """A warning about each Job and Pod; the workers may be forbidden to read it."""
        warning = Event(type="Warning", reason="FailedCreate", message="exceeded quota")
        uids = [job.metadata.uid for job in self.jobs.values()]
        self.events_by_uid = {uid: [warning] for uid in [*uids, *self.pods]}
        self.events_forbidden = "could not list Events: forbidden (403)" if forbidden else ""

    def report(self, uid: str, status: PodStatus) -> None:
        """A kubelet says how a Pod is."""
        self._pod(self.pods[uid].metadata, status)

    def end_pod(self, uid: str, exit_code: int) -> bool:
        pod = self.pods[uid]
        if pod.status.phase != "Running":
            return False
        terminated = Terminated(exit_code=exit_code)
        self._end(pod, PodStatus("Failed" if exit_code else "Succeeded"), terminated)
        return True

    def disrupt_pod(self, uid: str, how: str) -> bool:
        """The node's doing, not the container's: it may not have started yet."""
        pod = self.pods[uid]
        if not pod.live:
            return False
        condition = Condition("DisruptionTarget", "True", "TaintManager")
        status, reason = {
            "evicted": (PodStatus("Failed", "Evicted", "the node was low on memory"), ""),
            "drained": (PodStatus("Failed", conditions=(condition,)), ""),
            "unknown": (PodStatus("Failed"), "ContainerStatusUnknown"),
        }[how]
        self._end(pod, status, Terminated(exit_code=137, reason=reason))
        return True

    def touch(self, name: str) -> None:
        """Somebody changes the Job, in nothing that matters."""
        self._job(self.jobs[name].metadata, self.jobs[name].status)

    def end_job(self, name: str) -> bool:
        """The Job controller notices how its Pod ended, whether it is still there or not."""
        job = self.jobs[name]
        phase = self.ends.get(job.metadata.uid)
        if job.status.conditions or not phase:
            return False
        end = Condition("Failed" if phase == "Failed" else "Complete", "True", "it ended")
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

    def kubectl_delete_job(self, name: str) -> None:
        """`kubectl delete job`: the Job goes at once, its Pods when they like."""
        self._mark_deleted(self.jobs[name])
        self.remove_job(name)

    def enabled_steps(self) -> list[Callable[[], bool]]:
        """The steps that are possible now, and some that change nothing."""
        jobs, pods = list(self.jobs), list(self.pods)
        return [
            *(lambda n=n: self.make_pod(n) for n in jobs),
            *(lambda u=u: self.run_pod(u) for u in pods),
            *(lambda n=n: self.end_job(n) for n in jobs),
            *(lambda n=n: self.remove_job(n) for n in jobs),
            *(lambda u=u: self.remove_pod(u) for u in pods),
        ]

    def step(self) -> bool:
        """Each of them once; whether anything has changed."""
        changed = False
        for step in self.enabled_steps():
            with contextlib.suppress(KeyError):  # the object has been deleted meanwhile
                changed = step() or changed
        return changed

    def live_jobs(self) -> dict[str, set[str]]:
        """Target → the uids of its Jobs that have a live Pod."""
        found: dict[str, set[str]] = {}
        for pod in self.pods.values():
            if pod.live:
                marks = pod.metadata.labels
                found.setdefault(marks[labels.TARGET], set()).add(marks[labels.JOB_UID])
        return found

    # A backup of it

    def back_up(self) -> Backup:
        return Backup(self._version, dict(self.jobs), dict(self.pods), dict(self.ends))

    def restore(self, backup: Backup) -> None:
        """As it was then. All connections are cut, and watchers list again."""
        self._version, self.ends = backup.version, dict(backup.ends)
        self.jobs, self.pods = dict(backup.jobs), dict(backup.pods)
        for inbox in self.inboxes:
            self.list_into(inbox)

    def _pods_of(self, uid: str) -> list[Pod]:
        return [p for p in self.pods.values() if p.metadata.labels[labels.JOB_UID] == uid]

    def _end(self, pod: Pod, status: PodStatus, ended: Terminated) -> None:
        self.ends[pod.metadata.labels[labels.JOB_UID]] = status.phase
        container = ContainerStatus(
            "deploy", ContainerState(terminated=ended), container_id="containerd://1"
        )
        self._pod(pod.metadata, replace(status, container_statuses=(container,)))

    def _mark_deleted(self, job: Job) -> None:
        now = datetime.now(UTC)
        self._job(replace(job.metadata, deletion_timestamp=now), job.status)
        for pod in self._pods_of(job.metadata.uid):
            self._pod(replace(pod.metadata, deletion_timestamp=now), pod.status)

    def _job(self, metadata: Metadata, status: JobStatus, deleted: bool = False) -> Job:
        job = Job(replace(metadata, resource_version=self._next()), status)
        name = key(metadata.namespace, metadata.name)
        self.jobs[name] = job
        if deleted:
            del self.jobs[name]
        self._notify("job", ObjectChanged(job, deleted))
        return job

    def _pod(self, metadata: Metadata, status: PodStatus, deleted: bool = False) -> None:
        pod = Pod(replace(metadata, resource_version=self._next()), status)
        self.pods[metadata.uid] = pod
        if deleted:
            del self.pods[metadata.uid]
        self._notify("pod", ObjectChanged(pod, deleted))

    def _notify(self, kind: str, event: ReflectorEvent) -> None:
        for inbox in self.inboxes:
            inbox.waiting[kind].append(event)

    def _next(self) -> str:
        self._version += 1
        return str(self._version)


def is_name_reservation(manifest: dict[str, Any]) -> bool:
    return labels.NAME_RESERVATION in manifest["metadata"]["labels"]


def key(namespace: str, name: str) -> str:
    """By which a Job is found: its name, with its namespace unless that is NAMESPACE."""
    return name if namespace == NAMESPACE else f"{namespace}/{name}"


def _labels_of_pod(job: Job) -> dict[str, str]:
    metadata = job.metadata
    return metadata.labels | {labels.JOB_UID: metadata.uid, labels.JOB_NAME: metadata.name}


def _selects(selector: str, marks: dict[str, str]) -> bool:
    """Equality and sets. https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/"""
    wanted = re.findall(r"([^,=\s]+)(?:=([^,]*)| in \(([^)]*)\))", selector)
    return all(marks.get(name) in [one, *several.split(",")] for name, one, several in wanted)
