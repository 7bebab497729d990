"""A simulated installation in one thread: ledger, worker, watcher and a fake cluster, with faults at every
call.

The ledger, the reconciler and the leading watcher are the real ones. At every call to the ledger or to the
cluster the worker can die, lose the connection, or be paused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast
from uuid import uuid4

import msgspec
import redis
from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, Reason
from dispatcher.domain.errors import ClusterUnavailable, LeadershipLost, LedgerUnavailable
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.domain.push import Push
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Policies, Spec
from dispatcher.ledger import (
    Keys,
    Leased,
    Observations,
    Operations,
    RecordResult,
    Redeploy,
    Repairs,
    Schedule,
    Slots,
    Store,
    Targets,
    Timeouts,
    WakeUp,
    read_pauses,
)
from tests.dispatcher.ledger.helpers import a_submission
from tests.model import ledger_loss
from tests.model.expectations import Expectations
from tests.model.fake_cluster import (
    ALL,
    NAMESPACE,
    Backup,
    FakeCluster,
    FakeReflector,
    Inbox,
    is_name_reservation,
)
from workers.kube import labels
from workers.kube.client import JobExists
from workers.kube.objects import Event, Job, PodList
from workers.reconcile.reconciler import Reconciler
from workers.watch.leader import LARGEST_BATCH, Leader
from workers.watch.reflector import ReflectorEvent
from workers.watch.reflectors import KINDS
from workers.watch.watcher import Watcher

TARGET = "shop"
KEEP_REMOVED_FOR = 90 * 86400
FAULTS = (
    "kill before",
    "kill after",
    "unavailable before",
    "unavailable after",
    "late",
    "conflict",
    "pause",
)
TAKEN = (Outcome.ACCEPTED, Outcome.COALESCED, Outcome.HELD)
LEADERSHIP = 3_600_000
"""Milliseconds: no leadership expires by itself, however slow the machine is."""
MOST_CALLS = 300
"""In one reconcile."""
T = TypeVar("T")


class Killed(BaseException):
    """The worker's process was killed."""


class SkewedStore(Store):
    """The real one, its clock set forward."""

    world: World

    @property
    def ahead(self) -> int:
        """Milliseconds; the same for the ledger of workers and that of watchers."""
        return self.world.ahead

    @ahead.setter
    def ahead(self, milliseconds: int) -> None:
        self.world.ahead = milliseconds

    def now(self) -> int:
        return super().now() + self.ahead


class FaultyTargets(Targets):
    """The real ones, with a fault before or after any of a worker's calls."""

    def __init__(self, store: SkewedStore) -> None:
        super().__init__(store)
        self.world = store.world

    def acquire(self, target: str, token: str) -> Snapshot | Leased:
        found = self.world.call_with_faults(
            "ledger", lambda: super(FaultyTargets, self).acquire(target, token)
        )
        if isinstance(found, Leased):
            return found
        return dataclasses.replace(found, now=found.now + self.world.ahead)

    def record(self, seen: Snapshot, token: str, **what: Any) -> RecordResult:
        def write() -> RecordResult:
            answer = super(FaultyTargets, self).record(seen, token, **what)
            if answer is not RecordResult.MOVED:
                self.world.recorded(seen.target, what.get("deploys", ()))
            return answer

        return self.world.call_with_faults("ledger", write)


class FaultyCluster:
    """`ClusterClient` with a fault before or after any call."""

    def __init__(self, world: World, cluster: FakeCluster) -> None:
        self._world, self._cluster = world, cluster

    def create_job(self, manifest: dict[str, object]) -> Job:
        def create() -> Job:
            return self._cluster.create_job(manifest)

        return self._world.call_with_faults("create", create)

    def job(self, namespace: str, name: str) -> Job:
        return self._world.call_with_faults("read", lambda: self._cluster.job(namespace, name))

    def delete_job(self, namespace: str, name: str, uid: str) -> bool:
        return self._world.call_with_faults(
            "delete", lambda: self._cluster.delete_job(namespace, name, uid)
        )

    def page_of_pods(self, namespace: str, selector: str, position: str = "") -> PodList:
        return self._world.call_with_faults(
            "list", lambda: self._cluster.page_of_pods(namespace, selector, position)
        )

    def events(self, namespace: str, uid: str) -> list[Event]:
        return self._world.call_with_faults("events", lambda: self._cluster.events(namespace, uid))

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        return self._world.call_with_faults(
            "log", lambda: self._cluster.log_tail(namespace, pod, container)
        )


class SteppedLeader(Leader):
    """A watcher that leads, step by step: its reflectors deliver when a test says so.

    Every write of it is fenced like a real one's: it raises LeadershipLost once another one leads.
    """

    inbox: Inbox

    def __init__(self, watcher: Watcher) -> None:
        super().__init__(watcher)
        clock = lambda: self._leadership.store.now() / 1000  # noqa: E731
        self._sweeper.clock = clock

    @property
    def world(self) -> World:
        return cast(World, self._watcher.wake_ups)

    def _publish(self) -> None:
        if not self._reflectors.namespaces:
            self._follow(ALL)
        self.publish_configuration()

    def publish_configuration(self) -> None:
        """Publishes the specs and limits of now."""
        world = self.world
        world.expect_published(lambda: self.publish(list(world.specs.values()), world.limits))

    def publish(self, specs: Sequence[Spec], limits: Mapping[str, int]) -> list[WakeUp]:
        """What a watcher does that has read this configuration."""
        self._publisher.limit(limits)
        return self._publisher.publish([spec for spec in specs if not spec.removed_at])

    def _reflector(
        self, kind: str, namespace: str, put: Callable[[ReflectorEvent], None]
    ) -> FakeReflector:
        if kind == KINDS[0]:
            self.inbox = self.world.cluster.new_inbox()
        self.inbox.handlers[kind] = put
        return FakeReflector(self.world.cluster, kind, self.inbox)

    def receive(self, kind: str, most: int) -> bool:
        """Handles what its reflectors deliver now; whether that was anything."""
        count = self.inbox.deliver(kind, most)
        for _ in range(0, count, LARGEST_BATCH):
            self.take_in()
        return bool(count)

    def handle(self, events: list[ReflectorEvent]) -> None:
        self._observer.take_in(events)

    def every_second(self) -> None:
        self._watcher.leadership.renew()
        self._keep_listed()
        self._sweeper.every_second(KEEP_REMOVED_FOR)
        self._sweeper.look_for_orphans(self._orphans)


class World:
    """Drives everything, and raises AssertionError as soon as a promise is broken."""

    def __init__(
        self, client: redis.Redis, policies: Policies, targets: Sequence[str] = (TARGET,)
    ) -> None:
        self.ahead = 0
        keys = Keys(f"test-{uuid4().hex[:12]}")
        self.store = SkewedStore(client, keys, timeouts=Timeouts(leadership=LEADERSHIP))
        self.store.world = self
        self.cluster = FakeCluster(self.store.now, self._job_created)
        self.reconciler = Reconciler(
            FaultyTargets(self.store),
            Slots(self.store),
            Schedule(self.store),
            Repairs(self.store),
            FaultyCluster(self, self.cluster),
            "i",
            self.enqueue,
            jitter=lambda: 1.0,
        )
        self.queue: list[WakeUp] = []
        self.faults: dict[int | str, str] = {}
        """By the number of the call or by what is called; each happens once."""
        self.late_posts: list[Callable[[], object]] = []
        self.during_pause: Callable[[], object] = lambda: None
        self._calls = 0
        self.trace: list[object] = []
        self._tick = 0
        self.targets = tuple(targets)
        self.specs = {target: _spec(target, policies) for target in targets}
        """What is configured."""
        self.limits: dict[str, int] = {}
        self.expectations = {target: Expectations() for target in targets}
        self.restored = False
        self.released: set[str] = set()
        """Uids of Jobs whose Pods somebody has declared gone."""
        self.fail_over()

    def close(self) -> None:
        ledger_loss.empty(self.store.client, self.store.keys)

    # Faults

    def call_with_faults(self, what: str, call: Callable[[], T]) -> T:
        fault = self.faults.pop(self._calls, "") or self.faults.pop(what, "")
        self._calls += 1
        self.trace.append(what)
        assert self._calls < MOST_CALLS, f"a reconcile has no end: {self.trace[-12:]}"
        away = LedgerUnavailable if what == "ledger" else ClusterUnavailable
        if fault == "late" and what == "create":
            self.late_posts.append(call)
            raise away("no answer")
        if fault == "conflict" and what == "create":
            raise JobExists("somebody else was faster (409)")
        if fault == "pause":
            self.during_pause()
        if fault.endswith("before"):
            raise Killed if fault.startswith("kill") else away("no answer")
        result = call()
        self.trace.append(result)
        self.check()
        if fault.endswith("after"):
            raise Killed if fault.startswith("kill") else away("no answer")
        return result

    def is_leased(self, target: str = TARGET) -> bool:
        return bool(self.store.client.hget(self.store.keys.row(target), "lease"))

    def expire_lease(self) -> None:
        for target in self.targets:
            if self.is_leased(target):
                self.store.client.hset(self.store.keys.row(target), "lease_until", "1")
                self.store.client.zadd(self.store.keys.due, {target: 1})

    def deliver_late_posts(self) -> None:
        late, self.late_posts = self.late_posts, []
        for post in late:
            try:
                post()
            except JobExists:
                continue
        self.check()

    # Losses

    def back_up_ledger(self) -> ledger_loss.LedgerBackup:
        keys = ledger_loss.back_up(self._bytes(), self.store.keys)
        return ledger_loss.LedgerBackup(
            keys, {name: book.copied() for name, book in self.expectations.items()}
        )

    def lose_ledger(self, backup: ledger_loss.LedgerBackup | None) -> None:
        """Emptied, or back at the backup. A POST that is under way by then is the one thing that can
        overlap with what the new ledger starts: it arrives before."""
        self.deliver_late_posts()
        self.expire_lease()
        if backup is None:
            ledger_loss.empty(self.store.client, self.store.keys)
        else:
            ledger_loss.restore(self._bytes(), self.store.keys, backup.keys)
        for name, expectations in self.expectations.items():
            if backup is None:
                expectations.ledger_emptied()
            else:
                expectations.ledger_rolled_back(backup.expectations[name], self.jobs_of(name))

    def restart_redis(self) -> None:
        """With all that it knew."""
        ledger_loss.restart(self._bytes(), self.store.keys)

    def restore_cluster(self, backup: Backup) -> None:
        """What is back from the dead is known before anything else happens: nobody could know before."""
        self.deliver_late_posts()
        self.cluster.restore(backup)
        self.restored = True
        self.observe_all()

    def _bytes(self) -> redis.Redis:
        pool = self.store.client.connection_pool
        settings = pool.connection_kwargs | {"decode_responses": False}
        return redis.Redis(connection_pool=redis.ConnectionPool(pool.connection_class, **settings))

    def jobs_of(self, target: str) -> dict[str, Job]:
        jobs = self.cluster.jobs.items()
        return {name: job for name, job in jobs if job.metadata.labels[labels.TARGET] == target}

    # Promises that hold at any time

    def check(self) -> None:
        for target, uids in self.cluster.live_jobs().items():
            live = uids - self.released
            assert len(live) <= 1, f"Pods of several Jobs of {target} live: {live}"
        self._check_slots()

    def _check_slots(self) -> None:
        """Nobody can know what ran when the ledger was lost; it counts again when it has ended."""
        if (
            not self.limits
            or self.restored
            or any(expectations.lost for expectations in self.expectations.values())
        ):
            return
        live = [target for target, uids in self.cluster.live_jobs().items() if uids - self.released]
        assert len(live) <= self.limits[""], f"{live} run at once"

    def recorded(self, target: str, deploys: Iterable[Deploy]) -> None:
        self._tick += 1
        for deploy in deploys:
            self.expectations[target].recorded(deploy, self._tick)

    def _job_created(self, manifest: dict[str, Any]) -> None:
        if is_name_reservation(manifest):
            return
        metadata = manifest["metadata"]
        target = metadata["labels"][labels.TARGET]
        every = self.specs[target].policies.on_new_push == "every"
        self.expectations[target].job_created(metadata, every)

    # Work

    def submit(self, push: Push, delivery: str, target: str = TARGET, filtered: str = "") -> Result:
        """`filtered`: what turns it away, `paths` or anything else, "" for a push that is wanted."""
        policies = self.specs[target].policies
        every = policies.every_limit if policies.on_new_push == "every" else 0
        submission = a_submission(
            push, target, delivery, every=every, filtered=filtered, by_paths=filtered == "paths"
        )
        (raw,) = self.store.scripts.run_many([submission.call(self.store)])
        answer = submission.answer(raw)
        self._tick += 1
        result = answer.result
        if result.outcome in TAKEN and "came before" not in result.reason:
            deploy = self.deploys(target)[int(result.deploy.rpartition("/")[2])]
            assert deploy.ref == push.ref, f"{push.ref} is put into {deploy.name} of {deploy.ref}"
            self.expectations[target].expect(Reason.PUSH, deploy, self._tick)
        self.enqueue([answer.wake_up] if answer.wake_up else [])
        return result

    def redeploy(
        self, request: str, number: int = 0, commit: str = "", target: str = TARGET, ref: str = ""
    ) -> None:
        asked = Redeploy(
            target=target, request=request, by="ann", number=number, commit=commit, ref=ref
        )
        answer = Operations(self.store).redeploy(asked)
        self.expectations[target].expect(
            Reason.REDEPLOY, self.deploys(target)[answer.number], self._tick
        )
        self.enqueue([answer.wake_up] if answer.wake_up else [])

    def cancel(self, number: int, target: str = TARGET) -> None:
        self.expectations[target].cancelled(self.deploys(target)[number])
        self.enqueue(Operations(self.store).cancel(target, number, "ann", "").wake_ups)

    def release(self, number: int, target: str = TARGET) -> None:
        deploy = self.deploys(target)[number]
        stopped = Operations(self.store).release(target, number, "ann", "")
        if stopped.result == "released":
            self.released.add(deploy.uid)
        self.enqueue(stopped.wake_ups)

    def pause(self, target: str | None) -> None:
        """Pauses a target, or all of them."""
        Operations(self.store).pause(target, "ann", "")
        for name in [target] if target else self.targets:
            self.expectations[name].paused = True

    def resume(self, target: str | None) -> None:
        """Resumes a target, or all that were not paused by name."""
        operations = Operations(self.store)
        self.enqueue(operations.resume(target))
        for name in self.targets:
            self.expectations[name].paused = read_pauses(self.store, [name]).of(name) is not None

    # The configuration

    def configure(self, spec: Spec) -> None:
        """As soon as the watcher has read it."""
        self.specs[spec.target] = spec
        self.publish()

    def publish(self) -> None:
        """The watcher that leads publishes what is configured."""
        self.as_leader(lambda: self.leader.publish_configuration())

    def expect_published(self, publish: Callable[[], list[WakeUp]]) -> None:
        """Publishes, and expects each new deploy that comes of it."""
        before = {target: self.deploys(target) for target in self.targets}
        try:
            self.enqueue(publish())
        finally:
            self._tick += 1
            for target, known in before.items():
                for number, deploy in self.deploys(target).items():
                    if number not in known:
                        self.expectations[target].expect(Reason.SPEC_CHANGE, deploy, self._tick)

    def remove(self, target: str = TARGET) -> None:
        self.configure(replace(self.specs[target], removed_at=1))

    # Processes

    def enqueue(self, wake_ups: Iterable[WakeUp]) -> None:
        self.queue += list(wake_ups)

    def reconcile(self, target: str = TARGET) -> None:
        """One wake-up is carried out, or as much of it as its faults allow."""
        self._calls = 0
        try:
            self.reconciler.reconcile(target)
        except (Killed, LedgerUnavailable):
            pass
        finally:
            self.faults = {}

    def wake_due(self) -> bool:
        """What the sweeper does, as of now."""
        due = Schedule(self.store).due(self.store.now())
        self.enqueue(due)
        return bool(due)

    def tick(self) -> None:
        """What the watcher that leads does every second."""
        self.as_leader(lambda: self.leader.every_second())

    def fail_over(self) -> None:
        """The lead of the watcher before has run out, and another begins: empty cache, both lists. The one
        before may not know yet: its reflectors still deliver, and whatever it writes raises LeadershipLost."""
        self.leader = self.new_leader()
        self.leader.begin()

    def new_leader(self) -> SteppedLeader:
        self.store.client.delete(self.store.keys.leader)
        watcher = Watcher(
            self.store, cast(Any, self), cast(Any, self.cluster), cast(Any, None), "i"
        )
        assert watcher.leadership.acquire()
        return SteppedLeader(watcher)

    def as_leader(self, act: Callable[[], T]) -> T | None:
        """What a watcher does whose lead went with the ledger: it begins to lead anew, and nothing is done."""
        try:
            return act()
        except LeadershipLost:
            self.fail_over()
            return None

    def observe(self, kind: str, most: int = 1) -> bool:
        """The watcher takes in what has come; whether there was anything."""
        waits = bool(self.leader.inbox.waiting[kind])
        self.as_leader(lambda: self.leader.receive(kind, most))
        return waits

    def deliver_late(self, kind: str, most: int = 1) -> None:
        """A reflector that was stopped delivers what it had: a LIST that was under way, say."""
        for inbox in self.cluster.stopped:
            inbox.deliver(kind, most)
        self.as_leader(self.leader.take_in)

    def observe_all(self) -> bool:
        """The watcher takes in everything; whether there was anything."""
        taken = [self.observe(kind, 1000) for kind in KINDS]
        return any(taken)

    # What the ledger says

    def deploys(self, target: str = TARGET) -> dict[int, Deploy]:
        raw = self.store.client.hvals(self.store.keys.deploys(target))
        found = [msgspec.json.decode(each, type=Deploy) for each in raw]
        return {deploy.number: deploy for deploy in sorted(found, key=lambda d: d.number)}

    def jobs(self, target: str = TARGET) -> list[ObservedJob]:
        return [
            observed for name, observed in Observations(self.store).known_jobs() if name == target
        ]

    def next_due(self, target: str = TARGET) -> int | None:
        score = self.store.client.zscore(self.store.keys.due, target)
        return None if score is None else int(float(score))


def _spec(target: str, policies: Policies) -> Spec:
    container = {"name": "deploy", "image": "busybox:1.36"}
    template = {"metadata": {}, "spec": {"containers": [container]}}
    return Spec(
        target=target,
        repository=f"https://git.example.com/acme/{target}",
        namespace=NAMESPACE,
        policies=policies,
        manifest={"metadata": {}, "spec": {"template": template}},
        digest="d",
    )
