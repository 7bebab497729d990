"""Whatever dies, is late, comes twice or out of order: nothing is lost, nothing overlaps, the newest wins."""

from __future__ import annotations

import hashlib
import os

import pytest
import redis
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dispatcher.model import Policies, Push
from tests.workers.harness import FAULTS, KINDS, World
from tests.workers.rest import Rest

BRANCHES = ("refs/heads/main", "refs/heads/next")
EXAMPLES = int(os.environ.get("PROMISES_EXAMPLES", "100"))
"""Set it to thousands for a night's search."""
_client: redis.Redis


class Promises(RuleBasedStateMachine):
    """Each rule is something that can happen; at the end everything comes to rest and is counted up."""

    @initialize(
        on_new_push=st.sampled_from(["cancel", "wait"]),
        keep_failed=st.integers(0, 2),
        max_supersedes=st.sampled_from([1, 5]),
    )
    def begin(self, on_new_push: str, keep_failed: int, max_supersedes: int) -> None:
        policies = Policies(
            on_new_push=on_new_push, keep_failed=keep_failed, max_supersedes=max_supersedes
        )
        self.policies = policies
        self.world = World(_client, policies)
        self.pushes: list[tuple[Push, str]] = []
        self.unsent: list[tuple[Push, str]] = []
        self.requests = 0
        self.left = {"delete": 3, "list": 3, "lead": 3}

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            while self.unsent:
                self._send(*self.unsent.pop(0))
            rest = Rest(self.world, self.policies, [push for push, _ in self.pushes])
            rest.come_to_rest()
            rest.count_up()
        finally:
            self.world.close()

    # The Git host

    @rule(branch=st.sampled_from(BRANCHES), sent=st.booleans())
    def push(self, branch: str, sent: bool) -> None:
        commits = [push.after for push, _ in self.pushes if push.ref == branch]
        count = len(self.pushes) + 1
        before = commits[-1] if commits else "0" * 40
        after = hashlib.sha1(f"{branch} {count}".encode()).hexdigest()
        self._made(branch, before, after, sent)

    @precondition(lambda self: len(self.pushes) > 1)
    @rule(back=st.integers(2, 3))
    def push_back(self, back: int) -> None:
        """Somebody forces a branch back to an earlier commit."""
        branch = self.pushes[-1][0].ref
        commits = [push.after for push, _ in self.pushes if push.ref == branch]
        late = any(push.ref == branch for push, _ in self.unsent)
        if not late and len(commits) >= back and commits[-back] != commits[-1]:
            self._made(branch, commits[-1], commits[-back], True)

    @precondition(lambda self: self.unsent)
    @rule(data=st.data())
    def late_delivery(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.unsent) - 1))
        self._send(*self.unsent.pop(at))

    @precondition(lambda self: self.pushes)
    @rule(data=st.data())
    def repeated_delivery(self, data: st.DataObject) -> None:
        push, delivery = data.draw(st.sampled_from(self.pushes))
        if (push, delivery) not in self.unsent:
            self._send(push, delivery)

    @precondition(lambda self: self.pushes)
    @rule()
    def redeploy(self) -> None:
        if self.world.deploys():
            self.requests += 1
            self.world.redeploy(f"r{self.requests}")

    @precondition(lambda self: self.pushes)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        if known := sorted(self.world.deploys()):
            self.requests += 1
            number = data.draw(st.sampled_from(known))
            note(f"redeploy shop/{number}")
            self.world.redeploy(f"r{self.requests}", number)

    # The workers

    @precondition(lambda self: self.pushes)
    @rule(
        faults=st.dictionaries(st.integers(0, 8), st.sampled_from(FAULTS), max_size=2),
        pause=st.lists(st.sampled_from(["push", "look", "other", "move"]), max_size=3),
        twice=st.booleans(),
    )
    def work(self, faults: dict[int | str, str], pause: list[str], twice: bool) -> None:
        if not twice:
            del self.world.queue[:1]
        self.world.faults = dict(faults)
        self.world.pause = lambda: self._meanwhile(pause)
        self.world.reconcile()

    @precondition(lambda self: self.world.queue)
    @rule()
    def lose_a_wake_up(self) -> None:
        del self.world.queue[:1]

    @precondition(lambda self: self.world.is_leased())
    @rule()
    def lease_runs_out(self) -> None:
        self.world.expire_lease()
        self.world.wake_due()

    @precondition(lambda self: self.pushes)
    @rule(seconds=st.sampled_from([5, 40, 1000]))
    def time_passes(self, seconds: int) -> None:
        if seconds > 60:
            self.world.let_late_posts_in()
        self.world.ledger.ahead += seconds * 1000
        self.world.wake_due()

    # The watcher

    @precondition(lambda self: self.world.session.inbox.any())
    @rule(kind=st.sampled_from(KINDS), most=st.integers(1, 5))
    def look(self, kind: str, most: int) -> None:
        self.world.observe(kind, most)

    @precondition(lambda self: self.world.session.inbox.last)
    @rule(kind=st.sampled_from(KINDS))
    def hear_twice(self, kind: str) -> None:
        inbox = self.world.session.inbox
        if kind in inbox.last:
            self.world.session.take([inbox.last[kind]])

    @precondition(lambda self: self.left["list"] and self.world.cluster.jobs)
    @rule(kind=st.sampled_from(KINDS))
    def list_again(self, kind: str) -> None:
        self.left["list"] -= 1
        self.world.cluster.list_into(self.world.session.inbox, (kind,))

    @precondition(lambda self: self.left["lead"] and self.world.cluster.jobs)
    @rule(most=st.integers(0, 3))
    def another_watcher_leads(self, most: int) -> None:
        """The one before may have been paused, and writes late what it still had."""
        self.left["lead"] -= 1
        old = self.world.session
        self.world.session = self.world.new_session()
        for kind in KINDS:
            self.world.observe(kind, 20)
        for kind in KINDS[:most]:
            old.take(old.inbox.take(kind, most))

    # The cluster

    @precondition(lambda self: self.world.cluster.jobs or self.world.cluster.pods)
    @rule(data=st.data(), count=st.integers(1, 3))
    def goes_on(self, data: st.DataObject, count: int) -> None:
        for _ in range(count):
            moves = self.world.cluster.moves()
            if moves:
                data.draw(st.sampled_from(range(len(moves))).map(moves.__getitem__))()
                self.world.check()

    @precondition(lambda self: self.world.cluster.pods)
    @rule(exit_code=st.sampled_from([0, 1]))
    def pod_ends(self, exit_code: int) -> None:
        for uid in list(self.world.cluster.pods):
            self.world.cluster.end_pod(uid, exit_code)

    @precondition(lambda self: self.world.cluster.jobs and self.left["delete"])
    @rule(data=st.data())
    def deleted_from_outside(self, data: st.DataObject) -> None:
        self.left["delete"] -= 1
        names = sorted(self.world.cluster.jobs)
        self.world.cluster.delete_from_outside(data.draw(st.sampled_from(names)))

    @precondition(lambda self: self.world.late)
    @rule()
    def late_posts_arrive(self) -> None:
        self.world.let_late_posts_in()

    # What the rules are made of

    def _made(self, ref: str, before: str, after: str, sent: bool) -> None:
        count = len(self.pushes) + 1
        push = Push(
            repository="git.example.com/acme/shop",
            ref=ref,
            before=before,
            after=after,
            pushed_at=1_700_000_000_000 + count * 1000,
        )
        self.pushes.append((push, f"d{count}"))
        if sent:
            self._send(push, f"d{count}")
        else:
            self.unsent.append((push, f"d{count}"))

    def _send(self, push: Push, delivery: str) -> None:
        result = self.world.submit(push, delivery)
        note(f"{push.ref} {push.before[:6]}→{push.after[:6]}: {result.outcome} {result.deploy}")

    def _meanwhile(self, what: list[str]) -> None:
        """A worker is paused for longer than its lease, or only for a moment."""
        for each in what:
            if each == "push":
                self.push(BRANCHES[0], True)
            elif each == "look":
                self.world.look_at_all()
            elif each == "move":
                for move in self.world.cluster.moves():
                    move()
                    self.world.check()
            else:
                self.world.expire_lease()
                faults, self.world.faults = self.world.faults, {}
                self.world.reconciler.reconcile("shop")
                self.world.faults = faults


@pytest.fixture
def server(client: redis.Redis) -> None:
    global _client
    _client = client


def test_the_promises_hold(server: None) -> None:
    run_state_machine_as_test(
        Promises,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=45,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
