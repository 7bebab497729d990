"""The watcher: follows our Jobs and Pods, records what it sees, and is the clock.

Any number may run; one leads, the others stand by. All that a leader writes carries its token: from the moment
when it has lost the leadership, also without knowing, nothing is written any more.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from dispatcher.config.reloading import Reloader
from dispatcher.domain.errors import LeadershipLost, LedgerUnavailable
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import (
    Contact,
    Leadership,
    Listings,
    Observations,
    Publisher,
    RedisRun,
    Schedule,
    Store,
    WakeUps,
)
from workers.heartbeat import Beat
from workers.kube import labels
from workers.kube.objects import Job, Pod
from workers.manifest.job import render
from workers.watch.cache import Cache, Observation, covers
from workers.watch.reflector import (
    ConnectionLost,
    ObjectChanged,
    ObjectsListed,
    Reflector,
    ReflectorEvent,
)
from workers.watch.reflectors import KINDS, ReflectorSet, Runnable
from workers.watch.renames import Renames
from workers.watch.sweeper import Sweeper, WatcherCluster

TICK_SECONDS = 1.0
"""How often the leadership is renewed and what is due is woken."""
NAMESPACES_EVERY = 5.0
"""Seconds between two looks for namespaces that are to be followed too."""
LARGEST_BATCH = 500

log = structlog.get_logger()


@dataclass
class Watcher:
    """Run it in the main thread; `stop` may be called from a signal handler."""

    store: Store
    wake_ups: WakeUps
    cluster: WatcherCluster
    reloader: Reloader
    instance: str
    beat: Beat = lambda: None
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    """Of this process: stands in the ledger while it leads, and every write of it is compared with that."""
    redis: str = ""
    """Which run of Redis answered when it led last."""
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.leadership = Leadership(self.store, self.token)

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Stands by, leads, stands by again, until it is stopped."""
        said = ""
        while not self._stopped.is_set():
            self.beat()
            try:
                leads = self.leadership.acquire()
                state = "leading" if leads else "standing by"
                if state != said:
                    log.info(state)
                said = state
                if leads:
                    self._lead()
                    said = ""
            except LedgerUnavailable as error:
                if said != "no ledger":
                    log.error("the ledger is away", reason=str(error))
                said = "no ledger"
            self._stopped.wait(TICK_SECONDS)

    def _lead(self) -> None:
        session = Session(self)
        try:
            session.begin()
            while not self._stopped.is_set():
                session.tick()
        except LeadershipLost as lost:
            log.warning("standing back", why=str(lost))
        else:
            self.leadership.release()
        finally:
            session.close()


class Session:
    """One term as leader: its reflectors, its cache of the cluster, which end with it.

    Begin, tick, and close it whatever comes of that. Raises LedgerUnavailable and LeadershipLost.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher, self._store = watcher, watcher.leadership.store
        self._observations, self._listings = Observations(self._store), Listings(self._store)
        self._schedule = Schedule(self._store)
        self._cache = Cache()
        self._reflectors = ReflectorSet(self._reflector)
        self._first: dict[str, set[str]] = {}
        """The kinds that are still to be listed, by namespace."""
        self._due = self._namespaces_due = 0.0
        self._troubles: set[tuple[str, str]] = set()
        self._contact = Contact(self._store)
        self._publisher = Publisher(self._store)
        self._renames = Renames(self._store)
        self._sweeper = Sweeper(
            watcher.leadership, watcher.wake_ups, watcher.cluster, self._publisher
        )
        self._found: list[Repair] = []
        """What the news that are being taken in put right: told when they are written."""

    def begin(self) -> None:
        self._say_which_redis(self._listings.redis_run())
        self._contact.begin()
        self._publish()

    def close(self) -> None:
        self._reflectors.leave_all()

    def tick(self) -> None:
        """Takes in what has come, for a second at most, and once a second does what is due."""
        self._watcher.beat()
        self.take_in(max(0.0, self._due - time.monotonic()))
        if time.monotonic() >= self._due:
            self._every_second()

    def take_in(self, seconds: float = 0.0) -> None:
        """Takes in what the reflectors have told; waits for the first of it for so long."""
        self._take(self._reflectors.take(seconds, LARGEST_BATCH))

    def _every_second(self) -> None:
        self._due = time.monotonic() + TICK_SECONDS
        self._watcher.leadership.renew()
        if self._watcher.reloader.changed() or self._renames.is_due:
            self._publish()
        if time.monotonic() >= self._namespaces_due:
            self._follow_all()
            self._renames.look()
        self._keep_listed()
        self._sweeper.every_second(self._watcher.reloader.current.cluster.keep_removed_for)
        self._sweeper.look_for_orphans(self._orphans)

    def _orphans(self) -> list[Pod]:
        """Only where both lists have come: a Pod's Job may be among what is yet to be listed."""
        done = self._reflectors.namespaces - set(self._first)
        return [
            pod
            for pod in self._cache.orphans()
            if any(covers(namespace, pod.metadata.namespace) for namespace in done)
        ]

    def _publish(self) -> None:
        """Tells the workers what is wanted now, and follows each namespace that is in use."""
        watcher = self._watcher
        configured = watcher.reloader.current
        specs = [render(target, watcher.instance) for target in configured.targets.values()]
        specs, woken = self._renames.carry_over(configured.targets, specs)
        if not self._renames.is_due:
            self._publisher.limit(configured.cluster.limits())
            grace = configured.cluster.removal_grace * 1000
            woken += self._publisher.publish(specs, grace)
        watcher.wake_ups.enqueue(woken)
        self._follow_all()

    def _follow_all(self) -> None:
        """The namespaces of the targets, and those where a Job is that was begun before a target moved."""
        self._namespaces_due = time.monotonic() + NAMESPACES_EVERY
        configured = self._watcher.reloader.current
        used = {target.namespace for target in configured.targets.values()}
        used |= {observed.namespace for _, observed in self._observations.known_jobs()}
        wanted = configured.cluster.followed(used)
        followed = self._reflectors.namespaces
        if followed and ("" in wanted) != ("" in followed):
            log.info("follows the cluster anew", watch=configured.cluster.watch)
            self._begin_again()
        for namespace in sorted(self._reflectors.namespaces - wanted):
            self._leave(namespace)
        for namespace in sorted(wanted - self._reflectors.namespaces):
            self._follow(namespace)

    def _leave(self, namespace: str) -> None:
        """Nothing is there, and no target uses it any more."""
        self._reflectors.leave(namespace)
        self._first.pop(namespace, None)
        for kind in KINDS:
            self._troubles.discard((namespace, kind))
            self._contact.found(namespace, kind)
        log.info("followed no longer", namespace=namespace)

    def _follow(self, namespace: str) -> None:
        self._listings.begin(namespace, self._watcher.token)
        self._first[namespace] = set(KINDS)
        self._reflectors.follow(namespace)

    def _reflector(
        self, kind: str, namespace: str, put: Callable[[ReflectorEvent], None]
    ) -> Runnable:
        watcher = self._watcher
        return Reflector(watcher.cluster, kind, namespace, labels.selector(watcher.instance), put)

    def _take(self, batch: Sequence[ReflectorEvent]) -> None:
        told: list[Observation] = []
        for news in batch:
            if isinstance(news, ObjectsListed):  # it may make all that came before it void
                self._put_in(told)
                told = []
            told += self._understood(news)
        self._put_in(told)
        for namespace in [name for name, missing in self._first.items() if not missing]:
            del self._first[namespace]
            self._mark_listed(namespace)

    def _mark_listed(self, namespace: str) -> None:
        woken = self._listings.complete(namespace, self._watcher.token)
        if woken is not None:
            self._watcher.wake_ups.enqueue(woken)
            log.info("listed", namespace=namespace)

    def _put_in(self, told: Sequence[Observation]) -> None:
        if told:
            told = self._renames.owned(told)
            self._watcher.wake_ups.enqueue(self._observations.observe(told))
        found, self._found = self._found, []
        self._sweeper.repaired(found)

    def _understood(self, news: ReflectorEvent) -> list[Observation]:
        match news:
            case ConnectionLost(namespace, kind, why):
                self._cut_off(namespace, kind, why)
                return []
            case ObjectsListed():
                return self._list(news)
            case ObjectChanged(item, deleted):
                return self._change(item, deleted)

    def _cut_off(self, namespace: str, kind: str, why: str) -> None:
        if (namespace, kind) in self._troubles:
            return
        self._troubles.add((namespace, kind))
        self._contact.lost(namespace, kind, why)
        log.error("cut off from the cluster", namespace=namespace or "all", kind=kind, why=why)

    def _in_touch(self, namespace: str, kind: str) -> None:
        """Whoever waits for another try at the cluster tries now."""
        if (namespace, kind) not in self._troubles:
            return
        self._troubles.discard((namespace, kind))
        self._contact.found(namespace, kind)
        log.info("back in touch with the cluster", namespace=namespace or "all", kind=kind)
        targets = [
            name
            for name, spec in self._publisher.published().items()
            if covers(namespace, spec.namespace)
        ]
        waiting = self._schedule.with_open_deploys(targets)
        self._watcher.wake_ups.enqueue(self._schedule.wake(waiting, "the cluster answers again"))

    def _change(self, item: object, deleted: bool) -> list[Observation]:
        if isinstance(item, Job):
            return self._cache.job_deleted(item) if deleted else self._cache.job_changed(item)
        return self._cache.pod_deleted(item) if deleted else self._cache.pod_changed(item)  # type: ignore[arg-type]

    def _list(self, listed: ObjectsListed) -> list[Observation]:
        self._in_touch(listed.namespace, listed.kind)
        self._first.get(listed.namespace, set()).discard(listed.kind)
        if listed.kind == "pod":
            return self._cache.pods_listed(listed.namespace, listed.items)  # type: ignore[arg-type]
        is_older = not self._observations.advance_version(listed.namespace, listed.version)
        if is_older:
            self._older(listed)
        known = [
            (target, observed)
            for target, observed in self._observations.known_jobs()
            if covers(listed.namespace, observed.namespace)
        ]
        if not is_older:  # or what is known is of a time that has not come yet
            self._cache.remember(known)
        told = self._cache.jobs_listed(listed.namespace, listed.items)  # type: ignore[arg-type]
        self._count_ends(told, known)
        return told + self._vanished(listed, known)

    def _older(self, listed: ObjectsListed) -> None:
        """The cluster was restored from a backup: no version that was seen before means anything now."""
        self._observations.forget_versions(listed.namespace, listed.version)
        where = listed.namespace or "all namespaces"
        what = f"the cluster is older than it was, in {where}"
        self._sweeper.repaired([Repair(kind=Kind.OLDER_CLUSTER, target="", what=what)])

    def _count_ends(self, told: Sequence[Observation], known: Sequence[Observation]) -> None:
        running = {
            observed.uid for _, observed in known if not observed.outcome and not observed.gone
        }
        for target, observed in told:
            if observed.outcome and observed.uid in running:
                what = f"Job {observed.job} has {observed.outcome}"
                self._found.append(Repair(kind=Kind.MISSED_END, target=target, what=what))

    def _vanished(self, listed: ObjectsListed, known: Sequence[Observation]) -> list[Observation]:
        """Jobs of the ledger that a list as new as their creation does not have."""
        there = {(job.metadata.namespace, job.metadata.name) for job in listed.items}
        return [
            told
            for target, observed in known
            if (observed.namespace, observed.job) not in there
            and _as_new(listed.version, observed.rv)
            for told in self._cache.vanished(target, observed)
        ]

    def _keep_listed(self) -> None:
        """Another Redis answers, or it was emptied: put all in again, before anything is created."""
        running = self._listings.redis_run()
        done = self._reflectors.namespaces - set(self._first)
        if done - running.listed:
            self._say_which_redis(running)
            self._begin_again()
            self._publish()

    def _say_which_redis(self, running: RedisRun) -> None:
        before, self._watcher.redis = self._watcher.redis, running.run_id
        if not before:
            return
        again = before != running.run_id
        how = "Redis was restarted, or another one took over" if again else "Redis was emptied"
        if not running.has_data:
            log.error(f"{how}: its data is not there; listing the cluster into it")
        elif again:
            log.warning(f"{how}: its data is there; listing the cluster again")

    def _begin_again(self) -> None:
        self._reflectors.leave_all()
        self._first, self._cache = {}, Cache()
        self._troubles = set()
        self._contact.begin()


def _as_new(list_version: str, version: str) -> bool:
    """resourceVersions of one resource, compared: integers of any length."""
    return (len(list_version), list_version) >= (len(version), version)
