"""What the rules share: a world, what was pushed so far, and how it all ends."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.push import Push
from dispatcher.domain.spec import Policies
from tests.dispatcher.ledger.helpers import Watched
from tests.model.convergence import Convergence
from tests.model.world import TARGET, World

OTHER = "docs"
"""Competes with the first for a concurrency slot, where those are limited."""
TARGETS = (TARGET, OTHER)
SOME_TARGET = st.sampled_from((TARGET, TARGET, OTHER))


@dataclass(frozen=True)
class Made:
    """A push as the Git host made it, and the delivery that it comes in."""

    target: str
    push: Push
    delivery: str
    filtered: str = ""
    """What turns it away: `paths` or `skip`."""
    trusted: bool = True
    """The host says when it was made, by a clock that is right."""


class Rules(RuleBasedStateMachine):
    """Each rule is something that can happen; at the end everything comes to rest and is counted up."""

    client: Watched

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
        self.lost: list[Made] = []
        self.put: set[tuple[str, str]] = set()
        """Targets, each with a branch of which somebody has said where it is."""
        self.requests = 0
        self.left = dict.fromkeys(("delete", "list", "lead", "digest"), 3)
        self.left |= dict.fromkeys(("lose", "restore", "publish", "restart"), 2)
        if limited:
            self.world.limits = {"": 1}
            self.world.publish()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            while self.unsent:
                self.send(self.unsent.pop(0))
            rest = Convergence(self.world, self.newest_pushes())
            rest.converge()
            rest.check_promises()
        finally:
            self.world.close()

    def newest_pushes(self) -> dict[tuple[str, str], list[str]]:
        """By target and branch, where the branch was from its newest wanted push on, where the hosts' words on
        what came last can be had. Tags have no chain."""
        found: dict[tuple[str, str], list[str]] = {}
        for each in self.made:
            if each.push.stream == each.push.ref:
                wanted = not each.filtered and each not in self.lost
                before = [] if wanted else found.get((each.target, each.push.ref), [])
                found[each.target, each.push.ref] = [*before, each.push.after]
        unknown = {(each.target, each.push.ref) for each in self.made if not each.trusted}
        return {which: found[which] for which in found.keys() - unknown - self.put}

    def send(self, made: Made, delivery: str = "") -> None:
        push = made.push
        result = self.world.submit(push, delivery or made.delivery, made.target, made.filtered)
        what = f"{made.target} {push.ref} {push.before[:6]}→{push.after[:6]} {made.filtered}"
        note(f"{what}: {result.outcome} {result.deploy}")

    def may(self, what: str) -> bool:
        """Things that are rare happen a few times at most."""
        self.left[what] -= 1
        return self.left[what] >= 0

    def open_deploys(self, target: str) -> list[Deploy]:
        return [deploy for deploy in self.world.deploys(target).values() if not deploy.terminal]
