"""Workers and watchers: each is killed, loses its connections or is paused between any two steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec.structs import replace

from dispatcher.domain.errors import LeadershipLost
from dispatcher.ledger import Publisher
from dispatcher.ledger.connection import texts
from tests.model.rules.base import SOME_TARGET, TARGETS
from tests.model.rules.hosts import REFS, Hosts
from tests.model.world import FAULTS
from workers.watch.reflectors import KINDS

WHILE_PAUSED = ("push", "observe", "another worker", "step", "pause", "cancel", "tick")


class Processes(Hosts):
    @precondition(lambda self: self.deliveries)
    @rule(
        name=SOME_TARGET,
        faults=st.dictionaries(st.integers(0, 8), st.sampled_from(FAULTS), max_size=2),
        pause=st.lists(st.sampled_from(WHILE_PAUSED), max_size=3),
        twice=st.booleans(),
    )
    def work(self, name: str, faults: dict[int | str, str], pause: list[str], twice: bool) -> None:
        world = self.world
        if not twice:
            world.queue = [each for each in world.queue if each.target != name]
        world.faults = dict(faults)
        world.during_pause = lambda: self._while_paused(name, pause)
        world.reconcile(name)

    @precondition(lambda self: self.deliveries)
    @rule(rounds=st.integers(1, 2))
    def fault_free_rounds(self, rounds: int) -> None:
        for _ in range(rounds):
            for target in sorted({each.target for each in self.world.queue}):
                self.world.queue = [each for each in self.world.queue if each.target != target]
                self.world.reconcile(target)
            self._step_cluster()
            self.world.observe_all()

    @precondition(lambda self: self.world.queue)
    @rule()
    def wake_up_is_lost(self) -> None:
        del self.world.queue[:1]

    @precondition(lambda self: self.world.limits and self.deliveries)
    @rule()
    def slot_offer_times_out(self) -> None:
        """A target has not claimed the concurrency slot that it was offered a while ago."""
        client, waiters = self.world.store.client, self.world.store.keys.waiters
        for target, value in client.hgetall(waiters).items():
            namespace, called = texts([value])[0].split()
            if called != "0":
                client.hset(waiters, target, f"{namespace} 1")

    @precondition(lambda self: any(map(self.world.is_leased, TARGETS)))
    @rule()
    def lease_expires(self) -> None:
        self.world.expire_lease()
        self.world.wake_due()

    @precondition(lambda self: self.deliveries)
    @rule(seconds=st.sampled_from([0, 5, 40, 130, 1000]))
    def time_passes(self, seconds: int) -> None:
        if seconds > 60:
            self.world.deliver_late_posts()
        self.world.store.ahead += seconds * 1000
        self.world.tick()

    # The watcher

    @precondition(lambda self: self.world.leader.inbox.any())
    @rule(kind=st.sampled_from(KINDS), most=st.integers(1, 5))
    def observe(self, kind: str, most: int) -> None:
        self.world.observe(kind, most)

    @precondition(lambda self: self.deliveries and self.world.leader.inbox.last)
    @rule(kind=st.sampled_from(KINDS))
    def event_is_delivered_twice(self, kind: str) -> None:
        leader = self.world.leader
        if kind in leader.inbox.last:
            self.world.as_leader(lambda: leader.handle([leader.inbox.last[kind]]))

    @precondition(lambda self: self.world.cluster.jobs)
    @rule(kind=st.sampled_from(KINDS))
    def relist(self, kind: str) -> None:
        if self.may("list"):
            self.world.cluster.list_into(self.world.leader.inbox, (kind,))

    @precondition(lambda self: self.world.cluster.jobs)
    @rule(most=st.integers(0, 3))
    def another_watcher_leads(self, most: int) -> None:
        """The one before may have been paused, and writes late what it still had."""
        if not self.may("lead"):
            return
        old = self.world.leader
        self.world.fail_over()
        for kind in KINDS:
            self.world.observe(kind, 20)
        for kind in KINDS[:most]:
            with suppress(LeadershipLost):
                old.receive(kind, most)

    @precondition(lambda self: self.deliveries)
    @rule(name=SOME_TARGET, after=st.integers(0, 9))
    def leadership_lost_while_publishing(self, name: str, after: int) -> None:
        """Before one of its round trips; the next one has read a newer configuration by then."""
        if not self.may("publish"):
            return
        self._change_digest(name)
        old = self.world.leader

        def meanwhile() -> None:
            self._change_digest(name)
            self.world.fail_over()

        self.world.as_leader(
            lambda: self.client.before(after, meanwhile, old.publish_configuration)
        )
        published = Publisher(self.world.store).published()
        wanted = self.world.specs[name]
        assert wanted.removed_at or published[name].digest == wanted.digest, (
            "an older one is published"
        )

    @precondition(lambda self: self.deliveries)
    @rule(kind=st.sampled_from(KINDS), delivered=st.booleans())
    def redis_restarts_while_a_list_is_under_way(self, kind: str, delivered: bool) -> None:
        """With all that it knew. The old list comes after the new one, or later."""
        if not self.may("restart"):
            return
        world = self.world
        world.cluster.list_into(world.leader.inbox, (kind,))
        for target in TARGETS:
            world.reconcile(target)
        self._step_cluster()
        world.restart_redis()
        world.tick()
        world.observe_all()
        if delivered:
            world.deliver_late(kind, 1)

    @precondition(lambda self: self.world.cluster.stopped)
    @rule(kind=st.sampled_from(KINDS), most=st.integers(1, 3))
    def stopped_reflector_delivers(self, kind: str, most: int) -> None:
        self.world.deliver_late(kind, most)

    def _change_digest(self, name: str) -> None:
        spec = self.world.specs[name]
        self.world.specs[name] = replace(spec, digest=f"{spec.digest}p")

    def _while_paused(self, target: str, what: list[str]) -> None:
        """A worker is paused for longer than its lease, or only for a moment."""
        for each in what:
            self._actions(target)[each]()

    def _actions(self, target: str) -> dict[str, Callable[[], object]]:
        return {
            "push": lambda: self.push(target, REFS[0], "arrives"),
            "observe": self.world.observe_all,
            "step": self._step_cluster,
            "pause": lambda: self.world.pause(target),
            "cancel": lambda: self._cancel_first(target),
            "tick": self.world.tick,
            "another worker": lambda: self._other_worker(target),
        }

    def _step_cluster(self) -> None:
        self.world.cluster.step()
        self.world.check()

    def _cancel_first(self, target: str) -> None:
        for deploy in self.open_deploys(target)[:1]:
            self.world.cancel(deploy.number, target)

    def _other_worker(self, target: str) -> None:
        self.world.expire_lease()
        faults, self.world.faults = self.world.faults, {}
        self.world.reconciler.reconcile(target)
        self.world.faults = faults
