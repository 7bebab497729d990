"""The watcher's cache of the cluster: Jobs and their Pods → the observed state of each Job. Pure.

The watcher puts in what its reflectors receive; each call returns the Jobs whose observed state has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from dispatcher.domain.observed_job import ObservedJob
from workers.kube.objects import Job, Pod
from workers.plan.observed_state import observe_job, observe_pods, owner_of

Observation = tuple[str, ObservedJob]
"""A target, and the new observed state of one of its Jobs."""


@dataclass
class _Entry:
    target: str
    job: ObservedJob
    """What the Job itself says, without its Pods."""


class Cache:
    """The Jobs of ours in one namespace, or in all."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Entry] = {}
        self._pods: dict[str, dict[str, Pod]] = {}
        self._reported: dict[str, Observation] = {}
        self._remembered: dict[str, ObservedJob] = {}
        """By uid, the observed state of an earlier watcher: Pods may be gone since."""
        self._pods_known: set[str] = set()
        """Namespaces whose Pods have been listed."""

    def remember(self, known: Iterable[Observation]) -> None:
        """Takes over the observed state of Jobs from the ledger: their Pods may be gone
        by the time that Pods are listed."""
        self._remembered |= {observed.uid: observed for _, observed in known}

    def jobs_listed(self, namespace: str, jobs: Iterable[Job]) -> list[Observation]:
        """All Jobs of a namespace, or of all namespaces with "": a Job that is missing is gone."""
        found = {job.metadata.uid: job for job in jobs}
        for uid, entry in self._jobs.items():
            if uid not in found and covers(namespace, entry.job.namespace):
                entry.job = replace(entry.job, gone=True)
        for uid, job in found.items():
            self._jobs[uid] = _Entry(*observe_job(job))
        return self._changes(list(self._jobs))

    def pods_listed(self, namespace: str, pods: Iterable[Pod]) -> list[Observation]:
        """All Pods of a namespace, or of all namespaces with "": a Pod that is missing is gone."""
        before = set(self._pods)
        self._pods_known.add(namespace)
        self._pods = {
            owner: elsewhere
            for owner, pods_of_it in self._pods.items()
            if (elsewhere := _outside(namespace, pods_of_it))
        }
        for pod in pods:
            self._pods.setdefault(owner_of(pod), {})[pod.metadata.uid] = pod
        return self._changes(sorted(before | set(self._pods) | set(self._jobs)))

    def job_changed(self, job: Job) -> list[Observation]:
        self._jobs[job.metadata.uid] = _Entry(*observe_job(job))
        return self._changes([job.metadata.uid])

    def job_deleted(self, job: Job) -> list[Observation]:
        """A DELETED event has the last state of the Job: its outcome still counts."""
        target, observed = observe_job(job)
        self._jobs[job.metadata.uid] = _Entry(target, replace(observed, gone=True))
        return self._changes([job.metadata.uid])

    def pod_changed(self, pod: Pod) -> list[Observation]:
        self._pods.setdefault(owner_of(pod), {})[pod.metadata.uid] = pod
        return self._changes([owner_of(pod)])

    def pod_deleted(self, pod: Pod) -> list[Observation]:
        owner = owner_of(pod)
        pods = self._pods.get(owner, {})
        pods.pop(pod.metadata.uid, None)
        if not pods:
            self._pods.pop(owner, None)
        return self._changes([owner])

    def vanished(self, target: str, observed: ObservedJob) -> list[Observation]:
        """A Job that the ledger knows and a newer list does not have: it was deleted
        while no watch was open."""
        if observed.uid in self._jobs or observed.all_gone:
            return []
        self._jobs[observed.uid] = _Entry(target, replace(observed, gone=True, live_pods=0))
        return self._changes([observed.uid])

    def orphans(self) -> list[Pod]:
        """Pods without a Job that are not being deleted."""
        return [
            pod
            for owner, pods in self._pods.items()
            if owner not in self._jobs
            for pod in pods.values()
            if pod.metadata.deletion_timestamp is None
        ]

    def _changes(self, uids: Iterable[str]) -> list[Observation]:
        return [change for uid in uids for change in self._change_of(uid)]

    def _change_of(self, uid: str) -> list[Observation]:
        """A Pod may arrive before its Job: then the change comes with the Job."""
        entry = self._jobs.get(uid)
        if entry is None:
            return []
        _, before = self._reported.get(uid, ("", None))
        pods = list(self._pods.get(uid, {}).values())
        observed = observe_pods(entry.job, pods, before or self._remembered.get(uid))
        return self._report(uid, entry.target, observed, before)

    def _report(
        self, uid: str, target: str, observed: ObservedJob, before: ObservedJob | None
    ) -> list[Observation]:
        pods_known = any(covers(name, observed.namespace) for name in self._pods_known)
        if observed.outcome == "failed" and not pods_known:
            return []  # its Pods show which container failed; they will be listed soon
        if observed.all_gone and pods_known:
            for of_it in (self._reported, self._jobs, self._remembered):
                of_it.pop(uid, None)
        else:
            self._reported[uid] = target, observed
        unchanged = before is not None and replace(before, rv="") == replace(observed, rv="")
        return [] if unchanged or not target else [(target, observed)]


def _outside(namespace: str, pods: dict[str, Pod]) -> dict[str, Pod]:
    return {uid: p for uid, p in pods.items() if not covers(namespace, p.metadata.namespace)}


def covers(listed: str, namespace: str) -> bool:
    """Whether a list of `listed`, one namespace or all with "", covers this namespace."""
    return listed in ("", namespace)
