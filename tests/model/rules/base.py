"""What the rules share: a world, the pushes so far, and the checks at the end."""

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
class HostDelivery:
    """A push at the Git host, and the delivery that carries it."""

    target: str
    push: Push
    id: str
    filtered: str = ""
    """The filter that rejects the push: `paths` or `skip`."""
    timed: bool = True
    """It carries the push's time, by a clock that is right."""


class Rules(RuleBasedStateMachine):
    """Each rule is one thing that can happen. At the end the world converges; invariants are checked."""

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
        self.deliveries: list[HostDelivery] = []
        self.delayed: list[HostDelivery] = []
        self.lost: list[HostDelivery] = []
        self.redeployed_refs: set[tuple[str, str]] = set()
        """Target and branch, where an operator has redeployed a commit on it."""
        self.requests = 0
        self.budget = dict.fromkeys(("delete", "list", "lead", "digest"), 3)
        self.budget |= dict.fromkeys(("lose", "restore", "publish", "restart"), 2)
        if limited:
            self.world.limits = {"": 1}
            self.world.publish()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            while self.delayed:
                self.send(self.delayed.pop(0))
            convergence = Convergence(self.world, self.newest_pushes())
            convergence.converge()
            convergence.check_invariants()
        finally:
            self.world.close()

    def newest_pushes(self) -> dict[tuple[str, str], list[str]]:
        """Target and branch → its commits from the newest wanted push on, where all pushes carry right
        times. Tags have no chain."""
        found: dict[tuple[str, str], list[str]] = {}
        for each in self.deliveries:
            if each.push.stream == each.push.ref:
                wanted = not each.filtered and each not in self.lost
                before = [] if wanted else found.get((each.target, each.push.ref), [])
                found[each.target, each.push.ref] = [*before, each.push.after]
        unknown = {(each.target, each.push.ref) for each in self.deliveries if not each.timed}
        return {which: found[which] for which in found.keys() - unknown - self.redeployed_refs}

    def send(self, delivery: HostDelivery, delivery_id: str = "") -> None:
        push, target, filtered = delivery.push, delivery.target, delivery.filtered
        result = self.world.submit(push, delivery_id or delivery.id, target, filtered)
        what = f"{target} {push.ref} {push.before[:6]}→{push.after[:6]} {filtered}"
        note(f"{what}: {result.outcome} {result.deploy}")

    def may(self, what: str) -> bool:
        """Counts a rare fault; whether its budget for this run allows it."""
        self.budget[what] -= 1
        return self.budget[what] >= 0

    def open_deploys(self, target: str) -> list[Deploy]:
        return [deploy for deploy in self.world.deploys(target).values() if not deploy.terminal]
