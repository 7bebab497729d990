"""One target's ledger, worker and watcher in one thread, with everything going wrong that can.

The ledger, the reconciler and the watcher's session are the real ones. The cluster is a fake; every call to
it and to the ledger is a place where the worker can die, lose the connection, or be paused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
import redis

from dispatcher.errors import ClusterUnavailable, LedgerUnavailable
from dispatcher.ledger import (
    Keys,
    Leased,
    Ledger,
    Publisher,
    Recorded,
    Redeploy,
    Snapshot,
    Submission,
    WakeUp,
)
from dispatcher.model import Deploy, JobFacts, Outcome, Policies, Push, Reason, Result, Spec, State
from tests.workers.fakecluster import NAMESPACE, FakeCluster, Inbox, is_tombstone
from workers import labels
from workers.cluster import JobExists
from workers.feed import News
from workers.objects import Job, Pod
from workers.reconcile import Reconciler
from workers.watcher import Session, Watcher

TARGET = "shop"
KINDS = ("job", "pod")
FAULTS = ("die before", "die after", "away before", "away after", "late", "conflict", "pause")
MOST_CALLS = 300
"""In one reconcile."""
T = TypeVar("T")


class Died(BaseException):
    """The worker's process was killed."""


class FaultyLedger(Ledger):
    """The real one, its clock set forward, with a fault before or after any of a worker's calls."""

    world: World
    ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead

    def acquire(self, target: str, token: str) -> Snapshot | Leased:
        found = self.world.around(
            "ledger", lambda: super(FaultyLedger, self).acquire(target, token)
        )
        if isinstance(found, Leased):
            return found
        return dataclasses.replace(found, now=found.now + self.ahead)

    def record(self, seen: Snapshot, token: str, **what: Any) -> Recorded:
        def write() -> Recorded:
            answer = super(FaultyLedger, self).record(seen, token, **what)
            if answer is not Recorded.MOVED:
                self.world.recorded(what.get("deploys", ()))
            return answer

        return self.world.around("ledger", write)


class FaultyCluster:
    """`ClusterCalls` with a fault before or after any call."""

    def __init__(self, world: World, cluster: FakeCluster) -> None:
        self._world, self._cluster = world, cluster

    def create_job(self, manifest: dict[str, object]) -> Job:
        def create() -> Job:
            return self._cluster.create_job(manifest)

        return self._world.around("create", create)

    def job(self, namespace: str, name: str) -> Job:
        return self._world.around("read", lambda: self._cluster.job(namespace, name))

    def delete_job(self, namespace: str, name: str, uid: str) -> bool:
        return self._world.around("delete", lambda: self._cluster.delete_job(namespace, name, uid))

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        return self._world.around("list", lambda: self._cluster.pods_of(namespace, selector))

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        return self._world.around("log", lambda: self._cluster.log_tail(namespace, pod, container))


class QuietSession(Session):
    """A watcher's session that is handed its news instead of fetching them."""

    inbox: Inbox

    def _publish(self) -> None:
        self._follow(NAMESPACE)

    def _follow(self, namespace: str) -> None:
        self._feeds[namespace] = []
        self._first[namespace] = {"job", "pod"}

    def take(self, news: list[News]) -> None:
        self._take(news)


class World:
    """Drives everything, and raises AssertionError as soon as a promise is broken."""

    def __init__(self, client: redis.Redis, policies: Policies) -> None:
        self.ledger = FaultyLedger(client, Keys(f"test-{uuid4().hex[:12]}"))
        self.ledger.world = self
        self.cluster = FakeCluster(self.ledger.now, self._job_created)
        self.reconciler = Reconciler(
            self.ledger,
            FaultyCluster(self, self.cluster),
            "i",
            self.enqueue,
            jitter=lambda: 1.0,
        )
        self.queue: list[WakeUp] = []
        self.faults: dict[int | str, str] = {}
        """By the number of the call or by what is called; each happens once."""
        self.late: list[Callable[[], object]] = []
        self.pause: Callable[[], object] = lambda: None
        self._calls = 0
        self.trace: list[object] = []
        self._tick = 0
        self._starting: dict[str, int] = {}
        self._wanted: dict[str, tuple[int, str]] = {}
        self.last_word: dict[str, tuple[Reason, str]] = {}
        """Ref → by what its newest commit was asked for, and that commit."""
        Publisher(self.ledger).publish([_spec(policies)])
        self.session = self.new_session()

    def close(self) -> None:
        for key in self.ledger.client.scan_iter(match=f"{self.ledger.keys.prefix}*"):
            self.ledger.client.delete(key)

    # Faults

    def around(self, what: str, call: Callable[[], T]) -> T:
        fault = self.faults.pop(self._calls, "") or self.faults.pop(what, "")
        self._calls += 1
        self.trace.append(what)
        assert self._calls < MOST_CALLS, f"a reconcile has no end: {self.trace[-12:]}"
        away = LedgerUnavailable if what == "ledger" else ClusterUnavailable
        if fault == "late" and what == "create":
            self.late.append(call)
            raise away("no answer")
        if fault == "conflict" and what == "create":
            raise JobExists("somebody else was faster (409)")
        if fault == "pause":
            self.pause()
        if fault.endswith("before"):
            raise Died if fault.startswith("die") else away("no answer")
        result = call()
        self.trace.append(result)
        self.check()
        if fault.endswith("after"):
            raise Died if fault.startswith("die") else away("no answer")
        return result

    def is_leased(self) -> bool:
        return bool(self.ledger.client.hget(self.ledger.keys.row(TARGET), "lease"))

    def expire_lease(self) -> None:
        if self.is_leased():
            self.ledger.client.hset(self.ledger.keys.row(TARGET), "lease_until", "1")
            self.ledger.client.zadd(self.ledger.keys.due, {TARGET: 1})

    def let_late_posts_in(self) -> None:
        late, self.late = self.late, []
        for post in late:
            try:
                post()
            except JobExists:
                continue
        self.check()

    # Promises that hold at any time

    def check(self) -> None:
        live = self.cluster.live_jobs()
        assert len(live) <= 1, f"Pods of several Jobs live: {live}"

    def recorded(self, deploys: Iterable[Deploy]) -> None:
        self._tick += 1
        for deploy in deploys:
            if deploy.state is State.STARTING and not deploy.uid:
                self._starting.setdefault(deploy.job, self._tick)

    def _job_created(self, manifest: dict[str, Any]) -> None:
        if is_tombstone(manifest):
            return
        metadata = manifest["metadata"]
        name, notes = metadata["name"], metadata["annotations"]
        if notes[labels.REASON] == Reason.REDEPLOY:
            return
        decided, commit = self._wanted[notes[labels.REF]]
        if notes[labels.COMMIT] != commit:
            assert self._starting[name] <= decided, f"{name} starts an older commit"

    # Work

    def submit(self, push: Push, delivery: str) -> Result:
        submission = Submission(target=TARGET, push=push, hook="hook", delivery=delivery)
        (raw,) = self.ledger.scripts.run_many(
            [submission.call(self.ledger.keys, self.ledger.limits)]
        )
        answer = submission.answer(raw)
        self._tick += 1
        result = answer.result
        repeated = "came before" in result.reason
        if result.outcome in (Outcome.ACCEPTED, Outcome.COALESCED) and not repeated:
            number = int(result.deploy.rpartition("/")[2])
            commit = self.deploys()[number].commit
            self._wanted[push.ref] = self._tick, commit
            self.last_word[push.ref] = Reason.PUSH, commit
        self.enqueue([answer.wake_up] if answer.wake_up else [])
        return result

    def redeploy(self, request: str, number: int = 0) -> None:
        asked = Redeploy(target=TARGET, request=request, by="ann", number=number)
        answer = self.ledger.redeploy(asked)
        self.last_word[answer.ref] = Reason.REDEPLOY, answer.commit
        self.enqueue([answer.wake_up] if answer.wake_up else [])

    def enqueue(self, wake_ups: Iterable[WakeUp]) -> None:
        self.queue += list(wake_ups)

    def reconcile(self) -> None:
        """One wake-up is carried out, or as much of it as its faults allow."""
        self._calls = 0
        try:
            self.reconciler.reconcile(TARGET)
        except (Died, LedgerUnavailable):
            pass
        finally:
            self.faults = {}

    def wake_due(self) -> bool:
        """What the sweeper does, as of now."""
        due = self.ledger.due(self.ledger.now())
        self.enqueue(due)
        return bool(due)

    def new_session(self) -> QuietSession:
        """A watcher begins to lead: empty view, both lists."""
        watcher = Watcher(self.ledger, self, None, None, "i")  # type: ignore[arg-type]
        session = QuietSession(watcher)
        session.inbox = Inbox()
        self.cluster.list_into(session.inbox)
        self.cluster.inboxes = [session.inbox]
        return session

    def observe(self, kind: str, most: int = 1) -> bool:
        """The watcher takes in what has come."""
        news = self.session.inbox.take(kind, most)
        self.session.take(news)
        return bool(news)

    def look_at_all(self) -> bool:
        """The watcher takes in everything; whether there was anything."""
        taken = [self.observe(kind, 1000) for kind in KINDS]
        return any(taken)

    # What the ledger says

    def deploys(self) -> dict[int, Deploy]:
        raw = self.ledger.client.hvals(self.ledger.keys.deploys(TARGET))
        found = [msgspec.json.decode(each, type=Deploy) for each in raw]
        return {deploy.number: deploy for deploy in sorted(found, key=lambda d: d.number)}

    def jobs(self) -> list[JobFacts]:
        return [facts for _, facts in self.ledger.known_jobs()]

    def next_due(self) -> int | None:
        score = self.ledger.client.zscore(self.ledger.keys.due, TARGET)
        return None if score is None else int(float(score))


def _spec(policies: Policies) -> Spec:
    container = {"name": "deploy", "image": "busybox:1.36"}
    template = {"metadata": {}, "spec": {"containers": [container]}}
    return Spec(
        target=TARGET,
        repository="https://git.example.com/acme/shop",
        namespace=NAMESPACE,
        policies=policies,
        manifest={"metadata": {}, "spec": {"template": template}},
        digest="d",
    )
