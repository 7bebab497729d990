"""Watchers alone, one after the other: lists that come late, and what one that was cut off still publishes."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from dispatcher.domain.errors import LeadershipLost
from dispatcher.domain.push import Push
from dispatcher.domain.repairs import Kind
from dispatcher.domain.spec import Policies
from dispatcher.ledger import Publisher, Repairs
from dispatcher.ledger.publishing import ALL
from tests.dispatcher.ledger.helpers import Watched, sha
from tests.model.convergence import Convergence
from tests.model.world import TARGET, World
from workers.watch.reflectors import KINDS

MAIN = "refs/heads/main"
SOME_KIND = st.sampled_from(KINDS)
UNEXPECTED_REPAIRS = (Kind.OLDER_CLUSTER, Kind.VANISHED_JOB, Kind.ORPHANED_JOB)
"""Repairs that only a cluster calls for which somebody has restored, or has deleted Jobs from."""
ACTIONS = ("push", "work", "step", "end")


class Watching(RuleBasedStateMachine):
    """One target whose deploys are well; its watchers are not. At the end nothing has run twice."""

    client: Watched

    @initialize(on_new_push=st.sampled_from(["cancel", "wait"]), running=st.booleans())
    def begin(self, on_new_push: str, running: bool) -> None:
        self.world = World(self.client, Policies(on_new_push=on_new_push))
        self.pushes = self.versions = 0
        self.world.observe_all()
        self._push()
        if running:
            self._step_cluster(3)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self._is_published()
            convergence = Convergence(self.world, {})
            convergence.converge()
            convergence.check_invariants()
            self._nothing_was_repaired()
        finally:
            self.world.close()

    # Without faults

    @rule()
    def push(self) -> None:
        self._push()

    def _push(self) -> None:
        before, after = (sha(str(number)) for number in (self.pushes, self.pushes + 1))
        self.pushes += 1
        push = Push(repository="h/a/b", ref=MAIN, before=before, after=after, pushed_at=self.pushes)
        self.world.submit(push, f"d{self.pushes}")
        self._work()

    @rule()
    def work(self) -> None:
        self._work()

    def _work(self) -> None:
        self.world.queue.clear()
        self.world.reconcile()

    @rule(rounds=st.integers(1, 3))
    def cluster_steps(self, rounds: int) -> None:
        self._step_cluster(rounds)

    def _step_cluster(self, rounds: int) -> None:
        for _ in range(rounds):
            self.world.cluster.step()
            self.world.check()

    @rule(exit_code=st.sampled_from([0, 0, 1]))
    def pods_end(self, exit_code: int) -> None:
        self._end(exit_code)

    def _end(self, exit_code: int) -> None:
        for uid in list(self.world.cluster.pods):
            self.world.cluster.end_pod(uid, exit_code)

    @rule(seconds=st.sampled_from([0, 1, 10, 60]))
    def tick(self, seconds: int) -> None:
        self.world.ahead += seconds * 1000
        self.world.tick()

    @rule(kind=SOME_KIND, most=st.integers(1, 9))
    def observe(self, kind: str, most: int) -> None:
        self.world.observe(kind, most)

    # Faults

    @rule(kinds=st.sampled_from([("job",), ("pod",), KINDS]))
    def relist(self, kinds: tuple[str, ...]) -> None:
        """The LIST is under way from now on."""
        self.world.cluster.list_into(self.world.leader.inbox, kinds)

    @rule(
        kind=st.sampled_from(("job", "job", "pod")),
        meanwhile=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3),
        delivered=st.sampled_from((True, True, False)),
    )
    def redis_restarts_while_a_list_is_under_way(
        self, kind: str, meanwhile: list[str], delivered: bool
    ) -> None:
        """With all that it knew. The watcher notices within a second and lists anew; then
        the old list comes, or it comes later."""
        self.world.cluster.list_into(self.world.leader.inbox, (kind,))
        for each in meanwhile:
            self._act(each)
        self.world.restart_redis()
        self.world.tick()
        self.world.observe_all()
        if delivered:
            self.world.deliver_late(kind, 1)

    @precondition(lambda self: self.world.cluster.stopped)
    @rule(kind=SOME_KIND, most=st.integers(1, 3))
    def stopped_reflector_delivers(self, kind: str, most: int) -> None:
        self.world.deliver_late(kind, most)

    @rule(late=st.integers(0, 9))
    def another_watcher_leads(self, late: int) -> None:
        """The one before was paused, and writes late what it still had."""
        old = self.world.leader
        self.world.fail_over()
        for kind in KINDS:
            with suppress(LeadershipLost):
                old.receive(kind, late)

    @rule(after=st.integers(0, 9), first=st.booleans(), limit=st.integers(0, 2))
    def leadership_lost_while_publishing(self, after: int, first: bool, limit: int) -> None:
        """Before one of its round trips; the next one has read a newer configuration by then."""
        if first:
            self._configure(limit)
        old = self.world.leader
        note(f"interrupted before round trip {after}")

        def meanwhile() -> None:
            self._configure(2 - limit)
            self.world.fail_over()

        with suppress(LeadershipLost):
            self.client.before(after, meanwhile, old.publish_configuration)
        self._is_published()

    def _act(self, what: str) -> None:
        match what:
            case "push":
                self._push()
            case "work":
                self._work()
            case "step":
                self._step_cluster(3)
            case "end":
                self._end(0)

    def _configure(self, limit: int) -> None:
        self.versions += 1
        spec = self.world.specs[TARGET]
        self.world.specs[TARGET] = replace(spec, digest=f"version {self.versions}")
        self.world.limits = {"": limit} if limit else {}

    # Invariants

    def _is_published(self) -> None:
        """What the newest configuration says."""
        store, wanted = self.world.store, self.world.specs[TARGET]
        published = Publisher(store).published()[TARGET]
        assert published.digest == wanted.digest, "an older configuration is published"
        digest = store.client.hget(store.keys.row(TARGET), "digest")
        assert digest == wanted.digest, f"{digest!r} was deployed after {wanted.digest}"
        limits = store.client.hgetall(store.keys.max_running)
        expected = {name or ALL: str(most) for name, most in self.world.limits.items()}
        assert limits == expected, "older limits are published"

    def _nothing_was_repaired(self) -> None:
        counts = Repairs(self.world.store).counts()
        assert not any(counts[kind] for kind in UNEXPECTED_REPAIRS), counts
