"""Puts what the reflectors receive into the leader's cache, and changes of the cache into the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog

from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import Listings, Observations, Publisher, Repairs, Schedule, WatcherHealth
from workers.kube.objects import Job, Pod
from workers.recorder import record_repairs
from workers.watch.cache import Cache, Observation, covers
from workers.watch.reflector import ConnectionLost, ObjectChanged, ObjectsListed, ReflectorEvent
from workers.watch.reflectors import KINDS
from workers.watch.renames import Renames
from workers.watch.watcher import Watcher

log = structlog.get_logger()


class Observer:
    """Of one leader. Raises LedgerUnavailable and LeadershipLost."""

    def __init__(self, watcher: Watcher, renames: Renames) -> None:
        store = watcher.leadership.store
        self._token, self._wake_ups = watcher.token, watcher.wake_ups
        self._telemetry = watcher.telemetry
        self._observations = Observations(store, watcher.telemetry.cleaned)
        self._listings = Listings(store)
        self._health, self._publisher = WatcherHealth(store), Publisher(store)
        self._schedule, self._recorded = Schedule(store), Repairs(store)
        self._renames = renames
        self._cache = Cache()
        self._unlisted: dict[str, set[str]] = {}
        """The kinds that are still to be listed, by namespace."""
        self._cut_off: set[tuple[str, str]] = set()
        """Namespace and kind of each reflector whose connection is lost."""
        self._repairs: list[Repair] = []
        """Missed ends that the events of this batch show: recorded once the events are written."""

    def begin(self) -> None:
        """Forgets everything: all namespaces are yet to be listed."""
        self._cache, self._unlisted, self._cut_off = Cache(), {}, set()
        self._health.clear()

    def follow(self, namespace: str) -> None:
        self._listings.begin(namespace, self._token)
        self._unlisted[namespace] = set(KINDS)
        for kind in KINDS:
            self._telemetry.followed(namespace, kind)

    def leave(self, namespace: str) -> None:
        self._unlisted.pop(namespace, None)
        for kind in KINDS:
            self._cut_off.discard((namespace, kind))
            self._health.resolve(namespace, kind)

    def listed(self, namespaces: Iterable[str]) -> set[str]:
        """The namespaces whose Jobs and Pods have both been listed."""
        return set(namespaces) - set(self._unlisted)

    def orphans(self, namespaces: Iterable[str]) -> list[Pod]:
        """Pods without a Job, in namespaces whose Jobs and Pods have both been listed."""
        listed = self.listed(namespaces)
        return [
            pod
            for pod in self._cache.orphans()
            if any(covers(namespace, pod.metadata.namespace) for namespace in listed)
        ]

    def take_in(self, events: Sequence[ReflectorEvent]) -> None:
        observations: list[Observation] = []
        for event in events:
            if isinstance(event, ObjectsListed):  # a list replaces what came before it
                self._write(observations)
                observations = []
            observations += self._handle(event)
        self._write(observations)
        for namespace in [name for name, missing in self._unlisted.items() if not missing]:
            del self._unlisted[namespace]
            self._mark_listed(namespace)

    def _write(self, observations: Sequence[Observation]) -> None:
        if observations:
            observations = self._renames.by_present_name(observations)
            self._wake_ups.enqueue(self._observations.observe(observations))
        repairs, self._repairs = self._repairs, []
        record_repairs(self._recorded, repairs)

    def _mark_listed(self, namespace: str) -> None:
        woken = self._listings.complete(namespace, self._token)
        if woken is not None:
            self._wake_ups.enqueue(woken)
            log.info("namespace listed", namespace=namespace or "all")

    def _handle(self, event: ReflectorEvent) -> list[Observation]:
        match event:
            case ConnectionLost(namespace, kind, why):
                self._connection_lost(namespace, kind, why)
                return []
            case ObjectsListed(namespace, kind):
                self._telemetry.listed(namespace, kind)
                self._connected(namespace, kind)
                self._unlisted.get(namespace, set()).discard(kind)
                if kind == "pod":
                    return self._cache.pods_listed(namespace, event.items)  # type: ignore[arg-type]
                return self._jobs_listed(event)
            case ObjectChanged(item, deleted):
                return self._change(item, deleted)

    def _connection_lost(self, namespace: str, kind: str, why: str) -> None:
        self._telemetry.lost(namespace, kind)
        if (namespace, kind) in self._cut_off:
            return
        self._cut_off.add((namespace, kind))
        self._health.report(namespace, kind, why)
        log.error("cluster connection lost", namespace=namespace or "all", kind=kind, why=why)

    def _connected(self, namespace: str, kind: str) -> None:
        """Wakes targets that wait to try the cluster again."""
        if (namespace, kind) not in self._cut_off:
            return
        self._cut_off.discard((namespace, kind))
        self._health.resolve(namespace, kind)
        log.info("cluster connection restored", namespace=namespace or "all", kind=kind)
        targets = [
            name
            for name, spec in self._publisher.published().items()
            if covers(namespace, spec.namespace)
        ]
        waiting = self._schedule.with_open_deploys(targets)
        self._wake_ups.enqueue(self._schedule.wake(waiting, "the cluster answers again"))

    def _change(self, item: Job | Pod, deleted: bool) -> list[Observation]:
        if isinstance(item, Job):
            return self._cache.job_deleted(item) if deleted else self._cache.job_changed(item)
        return self._cache.pod_deleted(item) if deleted else self._cache.pod_changed(item)

    def _jobs_listed(self, listed: ObjectsListed) -> list[Observation]:
        is_older = not self._observations.advance_version(listed.namespace, listed.version)
        if is_older:
            self._cluster_went_back(listed)
        known = [
            (target, job)
            for target, job in self._observations.known_jobs()
            if covers(listed.namespace, job.namespace)
        ]
        if not is_older:  # else the ledger's state is newer than the cluster
            self._cache.remember(known)
        observations = self._cache.jobs_listed(listed.namespace, listed.items)  # type: ignore[arg-type]
        self._find_missed_ends(observations, known)
        return observations + self._vanished(listed, known)

    def _cluster_went_back(self, listed: ObjectsListed) -> None:
        """The cluster was restored from a backup: resourceVersions from before mean nothing now."""
        self._observations.forget_versions(listed.namespace, listed.version)
        where = listed.namespace or "all namespaces"
        what = f"the cluster is older than it was, in {where}"
        record_repairs(self._recorded, [Repair(kind=Kind.OLDER_CLUSTER, target="", what=what)])

    def _find_missed_ends(
        self, observations: Sequence[Observation], known: Sequence[Observation]
    ) -> None:
        running = {job.uid for _, job in known if not job.outcome and not job.gone}
        for target, job in observations:
            if job.outcome and job.uid in running:
                what = f"Job {job.job} has {job.outcome}"
                self._repairs.append(Repair(kind=Kind.MISSED_END, target=target, what=what))

    def _vanished(self, listed: ObjectsListed, known: Sequence[Observation]) -> list[Observation]:
        """Jobs of the ledger that are missing in a list which is as new as their creation."""
        there = {(job.metadata.namespace, job.metadata.name) for job in listed.items}
        return [
            observation
            for target, job in known
            if (job.namespace, job.job) not in there and _as_new(listed.version, job.rv)
            for observation in self._cache.vanished(target, job)
        ]


def _as_new(list_version: str, version: str) -> bool:
    """resourceVersions of one resource, compared: integers of any length."""
    return (len(list_version), list_version) >= (len(version), version)
