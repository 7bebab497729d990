"""The watcher: follows our Jobs and Pods, records what it sees, and is the clock.

Any number may run; one leads, the others stand by. What a leader that was cut off still writes does no
harm, since facts are ordered by resourceVersion.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from dispatcher.errors import LeadLost, LedgerUnavailable
from dispatcher.ledger import Lead, Ledger, WakeUps
from dispatcher.reloading import Reloader
from workers import labels
from workers.feed import Changed, ClusterReads, Feed, Listed, News, Trouble
from workers.manifest import render
from workers.objects import Job
from workers.view import Told, View

TICK_SECONDS = 1.0
"""How often the lead is renewed and what is due is woken."""
NAMESPACES_EVERY = 5.0
"""Seconds between two looks for namespaces that are to be followed too."""
LARGEST_BATCH = 500

log = structlog.get_logger()


@dataclass
class Watcher:
    """Run it in the main thread; `stop` may be called from a signal handler."""

    ledger: Ledger
    wake_ups: WakeUps
    cluster: ClusterReads
    reloader: Reloader
    instance: str
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Stands by, leads, stands by again, until it is stopped."""
        said = ""
        while not self._stopped.is_set():
            try:
                leads = self.ledger.lead(self.token) is Lead.LEADS
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
            while not self._stopped.is_set() and session.tick():
                pass
        except LeadLost as lost:
            log.warning("standing back", why=str(lost))
            return
        else:
            if self._stopped.is_set():
                self.ledger.resign(self.token)
        finally:
            session.close()


class Session:
    """One time of leading: its feeds, its view of the cluster. What a lost lead leaves is thrown away."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher, self._ledger = watcher, watcher.ledger
        self._news: queue.Queue[News] = queue.Queue()
        self._view = View()
        self._feeds: dict[str, list[Feed]] = {}
        self._first: dict[str, set[str]] = {}
        """The kinds that are still to be listed, by namespace."""
        self._due = self._namespaces_due = 0.0
        self._troubles: set[tuple[str, str]] = set()
        self._publish()

    def close(self) -> None:
        for feeds in self._feeds.values():
            for feed in feeds:
                feed.stop()

    def tick(self) -> bool:
        """Takes in what has come, for a second at most; False once another one leads."""
        pause = max(0.0, self._due - time.monotonic())
        try:
            batch = [self._news.get(timeout=pause)]
        except queue.Empty:
            batch = []
        while len(batch) < LARGEST_BATCH and not self._news.empty():
            batch.append(self._news.get_nowait())
        self._take(batch)
        return time.monotonic() < self._due or self._every_second()

    def _every_second(self) -> bool:
        self._due = time.monotonic() + TICK_SECONDS
        if self._ledger.lead(self._watcher.token) is not Lead.LEADS:
            log.warning("another watcher leads")
            return False
        if self._watcher.reloader.changed():
            self._publish()
        if time.monotonic() >= self._namespaces_due:
            self._follow_all()
        self._keep_listed()
        self._watcher.wake_ups.enqueue(self._ledger.due(self._ledger.now()))
        return True

    def _publish(self) -> None:
        """Tells the workers what is wanted now, and follows each namespace that is in use."""
        watcher = self._watcher
        targets = watcher.reloader.current.targets.values()
        specs = [render(target, watcher.instance) for target in targets]
        watcher.wake_ups.enqueue(self._ledger.publish(specs))
        self._follow_all()

    def _follow_all(self) -> None:
        """The namespaces of the targets, and those where a Job is that was begun before a target moved."""
        self._namespaces_due = time.monotonic() + NAMESPACES_EVERY
        used = {target.namespace for target in self._watcher.reloader.current.targets.values()}
        used |= {facts.namespace for _, facts in self._ledger.known_jobs()}
        for namespace in sorted(used - set(self._feeds)):
            self._follow(namespace)

    def _follow(self, namespace: str) -> None:
        watcher = self._watcher
        selector = labels.selector(watcher.instance)
        feeds = [
            Feed(watcher.cluster, kind, namespace, selector, self._news.put)
            for kind in ("job", "pod")
        ]
        self._feeds[namespace] = feeds
        self._first[namespace] = {"job", "pod"}
        for feed in feeds:
            feed.start()

    def _take(self, batch: Sequence[News]) -> None:
        told = [each for news in batch for each in self._understood(news)]
        if told:
            self._watcher.wake_ups.enqueue(self._ledger.observe(told, self._watcher.token))
        for namespace in [name for name, missing in self._first.items() if not missing]:
            del self._first[namespace]
            self._watcher.wake_ups.enqueue(self._ledger.mark_listed(namespace))
            log.info("listed", namespace=namespace)

    def _understood(self, news: News) -> list[Told]:
        match news:
            case Trouble(namespace, kind, why):
                if (namespace, kind) not in self._troubles:
                    log.error("cut off from the cluster", namespace=namespace, kind=kind, why=why)
                self._troubles.add((namespace, kind))
                return []
            case Listed():
                return self._list(news)
            case Changed(item, deleted):
                return self._change(item, deleted)

    def _change(self, item: object, deleted: bool) -> list[Told]:
        if isinstance(item, Job):
            return self._view.job_deleted(item) if deleted else self._view.job_changed(item)
        return self._view.pod_deleted(item) if deleted else self._view.pod_changed(item)  # type: ignore[arg-type]

    def _list(self, listed: Listed) -> list[Told]:
        key = listed.namespace, listed.kind
        if key in self._troubles:
            self._troubles.discard(key)
            log.info("back in touch with the cluster", namespace=key[0], kind=key[1])
        self._first.get(listed.namespace, set()).discard(listed.kind)
        if listed.kind == "pod":
            return self._view.pods_listed(listed.namespace, listed.items)  # type: ignore[arg-type]
        told = self._view.jobs_listed(listed.namespace, listed.items)  # type: ignore[arg-type]
        return told + self._vanished(listed)

    def _vanished(self, listed: Listed) -> list[Told]:
        """Jobs of the ledger that a list as new as their creation does not have."""
        there = {job.metadata.name for job in listed.items}
        return [
            told
            for target, facts in self._ledger.known_jobs()
            if facts.namespace == listed.namespace
            and facts.job not in there
            and _as_new(listed.version, facts.rv)
            for told in self._view.vanished(target, facts)
        ]

    def _keep_listed(self) -> None:
        """Another Redis answers, or it was emptied: put all in again, before anything is created."""
        done = set(self._feeds) - set(self._first)
        if done - self._ledger.listed():
            log.warning("another Redis answers: listing the cluster into it")
            self.close()
            self._feeds, self._first, self._view = {}, {}, View()
            self._publish()


def _as_new(list_version: str, version: str) -> bool:
    """resourceVersions of one resource, compared: integers of any length."""
    return (len(list_version), list_version) >= (len(version), version)
