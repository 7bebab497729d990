"""What the rules share: a world, what was pushed so far, and how it all ends."""

from __future__ import annotations

from dataclasses import dataclass

import redis
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from dispatcher.model import Deploy, Policies, Push
from tests.workers.harness import TARGET, World
from tests.workers.rest import Rest

OTHER = "docs"
"""Competes with the first for a place, where those are limited."""
TARGETS = (TARGET, OTHER)
SOME_TARGET = st.sampled_from((TARGET, TARGET, OTHER))


@dataclass(frozen=True)
class Made:
    """A push as the Git host made it, and the delivery that it comes in."""

    target: str
    push: Push
    delivery: str


class Rules(RuleBasedStateMachine):
    """Each rule is something that can happen; at the end everything comes to rest and is counted up."""

    client: redis.Redis

    @initialize(
        on_new_push=st.sampled_from(["cancel", "cancel", "wait", "every"]),
        keep_failed=st.integers(0, 2),
        max_supersedes=st.sampled_from([1, 5]),
        start_attempts=st.sampled_from([1, 3]),
        limited=st.booleans(),
        timed=st.sampled_from([True, True, False]),
    )
    def begin(
        self,
        on_new_push: str,
        keep_failed: int,
        max_supersedes: int,
        start_attempts: int,
        limited: bool,
        timed: bool,
    ) -> None:
        self.policies = Policies(
            on_new_push=on_new_push,
            every_limit=3,
            keep_failed=keep_failed,
            max_supersedes=max_supersedes,
            start_attempts=start_attempts,
        )
        self.world = World(self.client, self.policies, TARGETS)
        self.timed = timed
        self.made: list[Made] = []
        self.unsent: list[Made] = []
        self.requests = 0
        self.left = {"delete": 3, "list": 3, "lead": 3, "lose": 2, "restore": 2, "digest": 3}
        if limited:
            self.world.limits = {"": 1}
            self.world.publish()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            while self.unsent:
                self.send(self.unsent.pop(0))
            rest = Rest(self.world, self.newest_pushes())
            rest.come_to_rest()
            rest.count_up()
        finally:
            self.world.close()

    def newest_pushes(self) -> dict[tuple[str, str], Push]:
        """By target and branch, where the host's word on what came last can be had. Tags have no chain."""
        made = [made for made in self.made if self.timed and made.push.stream == made.push.ref]
        return {(each.target, each.push.stream): each.push for each in made}

    def send(self, made: Made, delivery: str = "") -> None:
        push = made.push
        result = self.world.submit(push, delivery or made.delivery, made.target)
        what = f"{made.target} {push.ref} {push.before[:6]}→{push.after[:6]}"
        note(f"{what}: {result.outcome} {result.deploy}")

    def may(self, what: str) -> bool:
        """Things that are rare happen a few times at most."""
        self.left[what] -= 1
        return self.left[what] >= 0

    def open_deploys(self, target: str) -> list[Deploy]:
        return [deploy for deploy in self.world.deploys(target).values() if not deploy.terminal]
