"""How a world comes to rest, and what must be true once it has."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.model import Deploy, Policies, Push, Reason, State
from tests.workers.fakecluster import NAMESPACE
from tests.workers.harness import World

ROUNDS = 400
"""Rounds in which everything has to come to rest."""
HORIZON = 30 * 86400_000
LIST_AGAIN = 20 * 60_000
"""Milliseconds after which a feed lists anew, whatever happened."""


class Rest:
    """No more faults; what is late arrives; time passes only when nothing else does."""

    def __init__(self, world: World, policies: Policies, pushes: Sequence[Push]) -> None:
        self.world, self.policies, self.pushes = world, policies, pushes

    def come_to_rest(self) -> None:
        """Raises AssertionError if it does not."""
        self.world.let_late_posts_in()
        self.world.expire_lease()
        self.list_at = self.world.ledger.now() + LIST_AGAIN
        self.until = self.world.ledger.now() + HORIZON
        for _ in range(ROUNDS):
            if not self._one_round():
                return
        raise AssertionError(f"it does not come to rest\n{self._story()}")

    def _one_round(self) -> bool:
        busy = self._cluster_goes_on()
        busy = self.world.look_at_all() or busy
        if self.world.queue:
            self.world.queue.clear()
            self.world.reconcile()
            return True
        return busy or self._time_passes()

    def _cluster_goes_on(self) -> bool:
        world, busy = self.world, False
        for uid in list(world.cluster.pods):
            busy = world.cluster.end_pod(uid, 0) or busy
        for move in world.cluster.moves():
            try:
                busy = move() or busy
            except KeyError:
                continue  # what it would have moved has gone meanwhile
            world.check()
        return busy

    def _time_passes(self) -> bool:
        due = self.world.next_due()
        if due is None or due > self.until:
            return False
        self.world.ledger.ahead += max(0, due - self.world.ledger.now()) + 1
        if self.world.ledger.now() > self.list_at:  # as a feed does every now and then
            self.world.cluster.list_into(self.world.session.inbox)
            self.list_at = self.world.ledger.now() + LIST_AGAIN
        return self.world.wake_due()

    def count_up(self) -> None:
        """Raises AssertionError for a promise that was not kept."""
        world = self.world
        deploys = world.deploys()
        story = self._story()
        assert all(deploy.terminal for deploy in deploys.values()), f"something is open\n{story}"
        assert all(deploy.why for deploy in deploys.values()), f"no reason\n{story}"
        for branch in sorted({push.ref for push in self.pushes}):
            self._newest_was_last(branch, deploys, story)
        self._pushes_gave_way_to_pushes(deploys, story)
        assert not world.cluster.pods or world.cluster.jobs, f"Pods are left\n{story}"
        self._is_clean(deploys, story)

    def _story(self) -> str:
        world = self.world
        deploys = world.deploys().values()
        lines = map(repr, [*deploys, *world.jobs(), *world.cluster.jobs.values()])
        row = world.ledger.client.hgetall(world.ledger.keys.row("shop"))
        return "\n".join([*lines, repr(row), f"due {world.next_due()} now {world.ledger.now()}"])

    def _newest_was_last(self, branch: str, deploys: dict[int, Deploy], story: str) -> None:
        commits = [push.after for push in self.pushes if push.ref == branch]
        tried = [d for d in deploys.values() if d.ref == branch and d.attempt]
        assert tried, f"{branch} was never deployed\n{story}"
        by, commit = self.world.last_word[branch]
        assert tried[-1].commit == commit, f"{branch} is to be at {commit}\n{story}"
        assert by is Reason.REDEPLOY or commit == commits[-1], f"{branch} is past {commit}\n{story}"

    def _pushes_gave_way_to_pushes(self, deploys: dict[int, Deploy], story: str) -> None:
        for deploy in deploys.values():
            if deploy.superseded_by and deploy.reason is not Reason.REDEPLOY:
                newer = deploys[deploy.superseded_by]
                assert newer.reason is not Reason.REDEPLOY, f"{deploy.name} is skipped\n{story}"

    def _is_clean(self, deploys: dict[int, Deploy], story: str) -> None:
        left = {f"{NAMESPACE}/{name}" for name in self.world.cluster.jobs}
        known = {f"{facts.namespace}/{facts.job}" for facts in self.world.jobs()}
        assert left == known, f"the ledger knows other Jobs than there are\n{story}"
        failed = {f"{d.namespace}/{d.job}" for d in deploys.values() if d.state is State.FAILED}
        assert left <= failed, f"Jobs are left\n{story}"
        assert len(left) <= self.policies.keep_failed, f"too many are kept\n{story}"
