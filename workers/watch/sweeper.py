"""What the leading watcher does by the clock: wakes targets that are due, and
repairs what events have missed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from dispatcher.domain.errors import ClusterError
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import (
    Leadership,
    Publisher,
    Reader,
    Repairs,
    Schedule,
    Slots,
    WakeUp,
    WakeUps,
)
from workers.kube import labels
from workers.kube.client import NotThere
from workers.kube.objects import Job, Pod
from workers.plan.observed_state import owner_of
from workers.recorder import record_repairs
from workers.watch import needed_repairs
from workers.watch.reflector import ListWatcher
from workers.watch.untaken_wake_ups import UntakenWakeUps

RETIRE_EVERY = 5.0
FORGOTTEN_EVERY = 60.0
ORPHANS_EVERY = 30.0
"""Seconds. A Pod counts as orphaned if two checks in a row find it so."""

log = structlog.get_logger()


class WatcherCluster(ListWatcher, Protocol):
    """What a watcher needs of `workers.kube.client.Cluster`. It deletes nothing but orphaned Pods."""

    def job(self, namespace: str, name: str) -> Job: ...
    def jobs(self, namespace: str, selector: str) -> list[Job]: ...
    def pods(self, namespace: str, selector: str) -> list[Pod]: ...
    def delete_pod(self, namespace: str, name: str, uid: str) -> bool: ...


@dataclass
class Sweeper:
    """The sweeper of one leader. Raises LedgerUnavailable and LeadershipLost."""

    leadership: Leadership
    wake_ups: WakeUps
    cluster: WatcherCluster
    publisher: Publisher
    clock: Callable[[], float] = time.monotonic
    _next: dict[str, float] = field(default_factory=dict)
    _suspects: set[str] = field(default_factory=set)
    _orphans: list[Pod] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._store = self.leadership.store
        self._schedule = Schedule(self._store)
        self._untaken = UntakenWakeUps(self._store)

    def every_second(self, keep_removed_for: int) -> None:
        self._untaken.check()
        due = self._schedule.due(self._store.now())
        self._wake(due)
        self._record([*_leases(due), *self._untaken.newly_untaken(due)])
        if offered := Slots(self._store).offer():
            self._wake(self._schedule.wake(offered, "a concurrency slot is free for it"))
        if self._is_time("retire", RETIRE_EVERY):
            for target in self.publisher.retire(keep_removed_for):
                log.info(
                    "history of a removed target expires", target=target, seconds=keep_removed_for
                )
        if self._is_time("forgotten", FORGOTTEN_EVERY):
            self._wake_forgotten()

    def look_for_orphans(self, orphans: Callable[[], Iterable[Pod]]) -> None:
        """Deletes at most one Pod a call, so that slow answers do not cost the leadership."""
        if self._is_time("orphans", ORPHANS_EVERY):
            found = list(orphans())
            self._orphans = [pod for pod in found if pod.metadata.uid in self._suspects]
            self._suspects = {pod.metadata.uid for pod in found}
        if self._orphans:
            self._delete(self._orphans.pop())

    def repaired(self, repairs: Sequence[Repair]) -> None:
        self._record(repairs)

    def _wake_forgotten(self) -> None:
        rows = Reader(self._store).rows()
        found = needed_repairs.of_rows(rows, self._store.now(), self._store.timeouts.wake_up)
        lost = [repair for repair in found if repair.kind is Kind.FORGOTTEN_TARGET]
        self._wake(self._schedule.wake([repair.target for repair in lost], "it was forgotten"))
        self._record(lost)

    def _delete(self, pod: Pod) -> None:
        metadata = pod.metadata
        try:
            if delete_orphan(self.cluster, pod, self.leadership.renew):
                self._record([needed_repairs.of_orphaned_pod(pod)])
        except ClusterError as error:
            log.warning("orphaned Pod not deleted", pod=metadata.name, why=str(error))

    def _is_time(self, what: str, seconds: float) -> bool:
        now = self.clock()
        if now < self._next.setdefault(what, now + seconds):
            return False
        self._next[what] = now + seconds
        return True

    def _record(self, repairs: Sequence[Repair]) -> None:
        record_repairs(Repairs(self._store), repairs)

    def _wake(self, wake_ups: Sequence[WakeUp]) -> None:
        self.wake_ups.enqueue(wake_ups)


def _nothing() -> None:
    pass


def delete_orphan(
    cluster: WatcherCluster, pod: Pod, before_each: Callable[[], None] = _nothing
) -> bool:
    """Deletes the Pod if its Job is really gone, for which it asks the API server again; False if it did not.

    `before_each` is called before each request: a leader renews its leadership there.
    """
    metadata = pod.metadata
    before_each()
    try:
        job = cluster.job(metadata.namespace, metadata.labels.get(labels.JOB_NAME, "-"))
        if job.metadata.uid == owner_of(pod):
            return False  # somebody has removed our labels from it
    except NotThere:
        pass  # the Job is gone indeed
    before_each()
    return cluster.delete_pod(metadata.namespace, metadata.name, metadata.uid)


def _leases(due: Iterable[WakeUp]) -> list[Repair]:
    what = "its worker never released it: it is woken"
    return [
        Repair(kind=Kind.EXPIRED_LEASE, target=each.target, what=what)
        for each in due
        if each.found == Kind.EXPIRED_LEASE
    ]
