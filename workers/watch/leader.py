"""The leading watcher: publishes the configuration, follows its namespaces, and wakes targets that are due."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from dispatcher.ledger import Listings, Observations, Publisher, RedisRun
from workers.kube import labels
from workers.kube.objects import Pod
from workers.logs.relays import Relays
from workers.manifest.job import render
from workers.notify.notifier import Notifier
from workers.watch.left_tasks import LeftTasks
from workers.watch.observer import Observer
from workers.watch.pause_reminders import PauseReminders
from workers.watch.reflector import Reflector, ReflectorEvent
from workers.watch.reflectors import KINDS, ReflectorSet, Runnable
from workers.watch.renames import Renames
from workers.watch.sweeper import Sweeper
from workers.watch.watcher import Watcher

TICK_SECONDS = 1.0
"""How often the leadership is renewed and what is due is woken."""
NAMESPACES_EVERY = 5.0
"""Seconds between two checks for namespaces to follow."""
LARGEST_BATCH = 500

log = structlog.get_logger()


class Leader:
    """Lives from an election to the loss of the leadership; its cache of the cluster goes with it.

    Call `begin`, then `tick` again and again, and `close` in any case. Raises LedgerUnavailable and
    LeadershipLost.
    """

    def __init__(self, watcher: Watcher) -> None:
        store = watcher.leadership.store
        self._watcher, self._leadership = watcher, watcher.leadership
        self._observations, self._listings = Observations(store), Listings(store)
        self._reflectors = ReflectorSet(self._reflector)
        self._publisher = Publisher(store)
        self._renames = Renames(store)
        self._sweeper = Sweeper(
            watcher.leadership, watcher.wake_ups, watcher.cluster, self._publisher
        )
        self._left_tasks = LeftTasks(store, watcher.wake_ups)
        self._pause_reminders = PauseReminders(store, watcher.remind_after)
        self._observer = Observer(watcher, self._renames)
        self._notifier = _notifier(watcher)
        self._relays = (
            Relays(watcher.logs, watcher.leadership, watcher.instance) if watcher.logs else None
        )
        self._due = self._namespaces_due = 0.0

    def begin(self) -> None:
        self._log_which_redis(self._listings.redis_run())
        self._observer.begin()
        self._publish()
        if self._relays:
            self._relays.start()

    def close(self) -> None:
        for namespace in self._reflectors.namespaces:
            self._forget(namespace)
        if self._notifier:
            self._notifier.stop()
        self._reflectors.leave_all()
        if self._relays:
            self._relays.stop()

    def tick(self) -> None:
        """Handles reflector events for a second at most, and once a second does what is due."""
        self._watcher.beat("leads")
        self.take_in(max(0.0, self._due - time.monotonic()))
        if time.monotonic() >= self._due:
            self._every_second()

    def take_in(self, seconds: float = 0.0) -> None:
        """Handles the events of the reflectors; waits so many seconds for the first."""
        events = self._reflectors.take(seconds, LARGEST_BATCH)
        self._observer.take_in(events)
        if self._relays and events:
            self._relays.look()

    def _every_second(self) -> None:
        self._due = time.monotonic() + TICK_SECONDS
        self._leadership.renew()
        if self._watcher.reloader.changed() or self._renames.is_due:
            self._publish()
        if time.monotonic() >= self._namespaces_due:
            self._follow_all()
            self._renames.look()
        self._keep_listed()
        self._sweeper.every_second(self._watcher.reloader.current.cluster.keep_removed_for)
        self._sweeper.look_for_orphans(self._orphans)
        self._sweeper.repaired(self._left_tasks.look())
        self._pause_reminders.look()

    def _orphans(self) -> list[Pod]:
        return self._observer.orphans(self._reflectors.namespaces)

    def _publish(self) -> None:
        """Publishes the configuration to the workers, and follows each namespace that is in use."""
        watcher = self._watcher
        configured = watcher.reloader.current
        specs = [render(target, watcher.instance) for target in configured.targets.values()]
        specs, woken = self._renames.carry_over(configured.targets, specs)
        if not self._renames.is_due:
            self._publisher.limit(configured.cluster.limits())
            grace = configured.cluster.removal_grace * 1000
            woken += self._publisher.publish(specs, grace)
        watcher.wake_ups.enqueue(woken)
        if self._notifier:
            self._notifier.follow_configuration()
        self._follow_all()

    def _follow_all(self) -> None:
        """Follows the namespaces of the targets, and those that have a Job from before its target moved."""
        self._namespaces_due = time.monotonic() + NAMESPACES_EVERY
        configured = self._watcher.reloader.current
        used = {target.namespace for target in configured.targets.values()}
        used |= {observed.namespace for _, observed in self._observations.known_jobs()}
        wanted = configured.cluster.followed(used)
        followed = self._reflectors.namespaces
        if followed and ("" in wanted) != ("" in followed):
            log.info(
                "cluster.watch has changed: listing the cluster again",
                watch=configured.cluster.watch,
            )
            self._begin_again()
        for namespace in sorted(self._reflectors.namespaces - wanted):
            self._leave(namespace)
        for namespace in sorted(wanted - self._reflectors.namespaces):
            self._follow(namespace)

    def _leave(self, namespace: str) -> None:
        """The namespace has no Job of ours, and no target uses it any more."""
        self._reflectors.leave(namespace)
        self._observer.leave(namespace)
        self._forget(namespace)
        log.info("namespace no longer followed", namespace=namespace)

    def _follow(self, namespace: str) -> None:
        self._observer.follow(namespace)
        self._reflectors.follow(namespace)

    def _forget(self, namespace: str) -> None:
        for kind in KINDS:
            self._watcher.telemetry.left(namespace, kind)

    def _reflector(
        self, kind: str, namespace: str, emit: Callable[[ReflectorEvent], None]
    ) -> Runnable:
        selector = labels.selector(self._watcher.instance)
        telemetry = self._watcher.telemetry
        return Reflector(
            self._watcher.cluster, kind, namespace, selector, emit, telemetry=telemetry
        )

    def _keep_listed(self) -> None:
        """If another Redis answers, or it was emptied, lists and publishes
        everything again: workers create nothing before."""
        running = self._listings.redis_run()
        if self._observer.listed(self._reflectors.namespaces) - running.listed:
            self._log_which_redis(running)
            self._begin_again()
            self._publish()

    def _log_which_redis(self, running: RedisRun) -> None:
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
        for namespace in self._reflectors.namespaces:
            self._forget(namespace)
        self._reflectors.leave_all()
        self._observer.begin()


def _notifier(watcher: Watcher) -> Notifier | None:
    if watcher.open_store is None:
        return None
    return Notifier(watcher.open_store, watcher.leadership, watcher.reloader, watcher.instance)
