"""Lets a world converge after the faults, and checks the promises then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.repairs import Kind
from dispatcher.ledger import Repairs
from tests.model.fake_cluster import key
from tests.model.world import World

ROUNDS = 600
"""Rounds within which a world must converge."""
HORIZON = 30 * 86400_000
RELIST_INTERVAL = 20 * 60_000
"""Milliseconds after which a reflector lists again, whatever happened."""
RETRY_WINDOW = 40_000
"""Milliseconds within which failed requests are retried."""
SWEEP_INTERVAL = 61_000
"""Milliseconds after which the sweeper has looked for forgotten targets and orphaned Pods."""
STOPPED = frozenset({State.SUPERSEDED, State.CANCELLED, State.SUCCEEDED})


class Convergence:
    """No more faults; delayed requests arrive; the clock advances only when nothing else can happen."""

    def __init__(self, world: World, newest: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """`newest`: by target and stream, the commits of a branch from its newest wanted push on, if known."""
        self.world, self.newest = world, newest

    def converge(self) -> None:
        """Raises AssertionError if the world does not converge."""
        self._heal()
        self._settle()
        self.relist_at = self.world.store.now() + RELIST_INTERVAL
        self.until = self.world.store.now() + HORIZON
        for _ in range(ROUNDS):
            if not self._one_round() and not any(self._sweep() for _ in range(3)):
                return
        raise AssertionError(f"no convergence within {ROUNDS} rounds\n{self.dump()}")

    def _heal(self) -> None:
        world = self.world
        world.deliver_late_posts()
        world.expire_lease()
        for target in (None, *world.targets):
            world.resume(target)
        for spec in list(world.specs.values()):
            world.specs[spec.target] = replace(spec, removed_at=0)
        world.publish()
        world.tick()

    def _settle(self) -> None:
        """Seconds pass: the cluster removes deleted Jobs and Pods, and running ones make progress."""
        for _ in range(RETRY_WINDOW // 5_000):
            self.world.store.ahead += 5_000
            self.world.tick()
            while self._step_cluster() | self.world.observe_all() | self._reconcile_queued():
                pass
        for target in self.world.targets:
            self._at_most_one_waits(target)
            self._superseded_is_stopping(target)
            self._stopped_jobs_are_gone(target)

    # Invariants that hold within seconds

    def _at_most_one_waits(self, target: str) -> None:
        if self.world.specs[target].policies.on_new_push == "every":
            return
        waiting = [d for d in self.world.deploys(target).values() if d.state is State.PENDING]
        pushes = Counter((d.stream, d.reason is Reason.REDEPLOY) for d in waiting)
        assert all(count == 1 for count in pushes.values()), (
            f"several deploys of {target} wait\n{self.dump()}"
        )

    def _superseded_is_stopping(self, target: str) -> None:
        policies = self.world.specs[target].policies
        deploys = self.world.deploys(target).values()
        active = next((d for d in deploys if d.active), None)
        if not active or policies.on_new_push != "cancel":
            return
        newer = [
            d
            for d in deploys
            if (d.state, d.stream) == (State.PENDING, active.stream) and d.reason != "redeploy"
        ]
        spared = active.supersedes >= policies.max_supersedes or active.state is State.STOPPING
        assert spared or not newer, f"{active.name} is not stopped for a newer push\n{self.dump()}"

    def _stopped_jobs_are_gone(self, target: str) -> None:
        over = {d.uid for d in self.world.deploys(target).values() if d.state in STOPPED}
        left = [j for j in self.world.jobs_of(target).values() if j.metadata.uid in over]
        assert not left, f"Jobs of ended deploys are left: {left}\n{self.dump()}"

    # Rounds

    def _one_round(self) -> bool:
        busy = self._run_cluster()
        busy = self.world.observe_all() or busy
        return self._reconcile_queued() or busy or self._advance_clock()

    def _reconcile_queued(self) -> bool:
        targets = sorted({each.target for each in self.world.queue})
        self.world.queue.clear()
        for target in targets:
            self.world.reconcile(target)
        return bool(targets)

    def _run_cluster(self) -> bool:
        busy = False
        for uid in list(self.world.cluster.pods):
            busy = self.world.cluster.end_pod(uid, 0) or busy
        return self._step_cluster() or busy

    def _step_cluster(self) -> bool:
        busy = self.world.cluster.step()
        self.world.check()
        return busy

    def _advance_clock(self) -> bool:
        dues = [due for target in self.world.targets if (due := self.world.next_due(target))]
        if not dues or min(dues) > self.until:
            return False
        self.world.store.ahead += max(0, min(dues) - self.world.store.now()) + 1
        if self.world.store.now() > self.relist_at:
            self._relist()
        self.world.tick()
        return True

    def _relist(self) -> None:
        self.world.cluster.list_into(self.world.leader.inbox)
        self.relist_at = self.world.store.now() + RELIST_INTERVAL

    def _sweep(self) -> bool:
        """Whether the sweeper or a new LIST finds any work."""
        self.world.store.ahead += SWEEP_INTERVAL
        self._relist()
        self.world.observe_all()
        self.world.tick()
        return bool(self.world.queue) or self.world.leader.inbox.any()

    # Invariants at the end

    def check_invariants(self) -> None:
        """Raises AssertionError for a broken one."""
        world, dump = self.world, self.dump()
        assert not world.cluster.pods or world.cluster.jobs, f"Pods are left\n{dump}"
        for target in world.targets:
            deploys = world.deploys(target)
            assert all(d.terminal for d in deploys.values()), (
                f"a deploy of {target} has not ended\n{dump}"
            )
            assert all(d.why for d in deploys.values()), (
                f"a deploy of {target} ended without a reason\n{dump}"
            )
            self._newest_ran_last(target, deploys, dump)
            self._no_redeploy_superseded_a_push(target, deploys, dump)
            self._no_jobs_are_left(target, deploys, dump)
        self._no_slot_is_held(dump)
        went_back = Repairs(world.store).counts()[Kind.OLDER_CLUSTER] and not world.restored
        assert not went_back, f"an old event was taken for a restored cluster\n{dump}"

    def dump(self) -> str:
        world = self.world
        client, keys = world.store.client, world.store.keys
        lines = [f"now {world.store.now()}", repr(client.hgetall(keys.running))]
        for target in world.targets:
            lines += map(repr, [*world.deploys(target).values(), *world.jobs(target)])
            lines += [repr(client.hgetall(keys.row(target))), f"due {world.next_due(target)}"]
        return "\n".join([*lines, *map(repr, world.cluster.jobs.values())])

    def _newest_ran_last(self, target: str, deploys: dict[int, Deploy], dump: str) -> None:
        expectations = self.world.expectations[target]
        for stream, end in expectations.expected_ends.items():
            of_stream = [d for d in deploys.values() if d.stream == stream]
            tried = [d.number for d in of_stream if d.attempt]
            last = deploys[tried[-1]] if tried else None
            as_expected = last and (last.ref, last.commit) == (end.ref, end.commit)
            cancelled = any(
                d.state is State.CANCELLED and d.commit == end.commit
                for d in of_stream
                if not last or d.number > last.number or expectations.lost
            )
            never_found = end.in_cluster and all(d.commit != end.commit for d in of_stream)
            what = f"{target} {stream} is to be at {end}, not at {last}"
            assert as_expected or cancelled or never_found, f"{what}\n{dump}"
            newest = self.newest.get((target, stream))
            if end.reason is Reason.PUSH and newest and not expectations.lost:
                assert end.commit in newest, f"{end} is not the newest of {stream}\n{dump}"

    def _no_redeploy_superseded_a_push(
        self, target: str, deploys: dict[int, Deploy], dump: str
    ) -> None:
        for deploy in deploys.values():
            newer = deploys.get(deploy.superseded_by)
            if newer and deploy.reason is not Reason.REDEPLOY:
                assert newer.reason is not Reason.REDEPLOY, (
                    f"a redeploy superseded {deploy.name}\n{dump}"
                )

    def _no_jobs_are_left(self, target: str, deploys: dict[int, Deploy], dump: str) -> None:
        world = self.world
        left = set(world.jobs_of(target))
        known = {key(observed.namespace, observed.job) for observed in world.jobs(target)}
        assert left == known, f"the ledger knows other Jobs than there are\n{dump}"
        failed = {key(d.namespace, d.job) for d in deploys.values() if d.state is State.FAILED}
        assert left <= failed, f"Jobs are left\n{dump}"
        assert len(left) <= world.specs[target].policies.keep_failed, f"too many kept\n{dump}"

    def _no_slot_is_held(self, dump: str) -> None:
        client, keys = self.world.store.client, self.world.store.keys
        for left in (keys.running, keys.waiting, keys.waiters):
            assert not client.exists(left), f"{left} is not empty\n{dump}"
