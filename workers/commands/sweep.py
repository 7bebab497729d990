"""`git-dispatcher sweep`: compares the ledger with the cluster, lists the repairs that are needed, and
makes them if asked to. No watcher has to run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import Observations, Reader, Renaming, Repairs, Schedule, Store, WakeUps
from workers.kube.objects import Job, Pod
from workers.plan.observed_state import observe_job, owner_of
from workers.watch import needed_repairs
from workers.watch.cache import Cache, Observation
from workers.watch.names import by_present_name, present
from workers.watch.sweeper import WatcherCluster, delete_orphan


@dataclass
class Sweep:
    """Raises LedgerUnavailable and ClusterError."""

    store: Store
    wake_ups: WakeUps
    cluster: WatcherCluster
    selector: str
    _jobs: dict[str, list[Job]] = field(default_factory=dict)
    _pods: dict[str, list[Pod]] = field(default_factory=dict)

    def find_repairs(self, namespaces: Iterable[str]) -> list[Repair]:
        """The repairs that these namespaces ("" is all) and the ledger need."""
        known = Observations(self.store).known_jobs()
        for namespace in sorted(namespaces):
            # Jobs last: so the list has the Job of every listed Pod.
            self._pods[namespace] = self.cluster.pods(namespace, self.selector)
            self._jobs[namespace] = self.cluster.jobs(namespace, self.selector)
        return [*self._rows(), *self._of_jobs(known), *self._orphans()]

    def repair(self, found: Iterable[Repair]) -> None:
        """Records what `find_repairs` observed, as a watcher does, and wakes the
        targets; workers do the rest."""
        for namespace in self._jobs:
            cache = Cache()
            observations = cache.pods_listed(namespace, self._pods[namespace])
            observations += cache.jobs_listed(namespace, self._jobs[namespace])
            observations = by_present_name(
                [*observations, *self._vanished(namespace, cache)], self._former()
            )
            self.wake_ups.enqueue(Observations(self.store).observe(observations))
        targets = sorted(
            {repair.target for repair in found if repair.kind is not Kind.ORPHANED_POD}
        )
        self.wake_ups.enqueue(Schedule(self.store).wake(targets, "a sweep"))
        repairs = [
            needed_repairs.of_orphaned_pod(p)
            for p in self._orphaned()
            if delete_orphan(self.cluster, p)
        ]
        Repairs(self.store).note([*(r for r in found if r.kind is Kind.FORGOTTEN_TARGET), *repairs])

    def _rows(self) -> list[Repair]:
        rows = Reader(self.store).rows()
        return list(needed_repairs.of_rows(rows, self.store.now(), self.store.timeouts.wake_up))

    def _of_jobs(self, known: list[Observation]) -> list[Repair]:
        reader, now = Reader(self.store), self.store.now()
        former = self._former()
        there: dict[str, list[ObservedJob]] = {target: [] for target, _ in known}
        for jobs in self._jobs.values():
            for job in jobs:
                ((target, observed),) = by_present_name([observe_job(job)], former)
                if target:
                    there.setdefault(target, []).append(observed)
        return [
            repair
            for target, jobs in sorted(there.items())
            for repair in needed_repairs.of_jobs(
                target,
                reader.deploys(target),
                [observed for name, observed in known if name == target],
                jobs,
                now,
            )
        ]

    def _former(self) -> dict[str, str]:
        """Former name -> current name of targets that were renamed."""
        return present((), Renaming(self.store).names())

    def _vanished(self, namespace: str, cache: Cache) -> list[Observation]:
        there = {job.metadata.uid for job in self._jobs[namespace]}
        return [
            observation
            for target, observed in Observations(self.store).known_jobs()
            if namespace in ("", observed.namespace) and observed.uid not in there
            for observation in cache.vanished(target, observed)
        ]

    def _orphans(self) -> list[Repair]:
        return [needed_repairs.of_orphaned_pod(pod) for pod in self._orphaned()]

    def _orphaned(self) -> list[Pod]:
        uids = {job.metadata.uid for jobs in self._jobs.values() for job in jobs}
        return [
            pod
            for pods in self._pods.values()
            for pod in pods
            if owner_of(pod) not in uids and pod.metadata.deletion_timestamp is None
        ]
