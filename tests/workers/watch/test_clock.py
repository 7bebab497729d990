"""Clocks that jump: Redis' own, after a failover to a host whose time is another, and that of a worker."""

from __future__ import annotations

import dataclasses

from dispatcher.domain.deploy import State
from tests.model.world import TARGET, World
from tests.workers.reconcile.test_takeover import push, run, settle, states

HOUR, YEAR = 3_600_000, 365 * 86_400_000


def test_a_clock_that_jumps_forward_ends_nothing_that_runs(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    pod = run(world, "shop-1")
    settle(world)

    world.store.ahead += YEAR
    settle(world)
    assert states(world) == [State.RUNNING]

    world.cluster.end_pod(pod, 0)
    world.cluster.end_job("shop-1")
    settle(world)
    assert states(world) == [State.SUCCEEDED]


def test_a_clock_that_jumps_back_ends_nothing_that_runs_and_starts_what_comes_next(
    world: World,
) -> None:
    world.store.ahead = YEAR
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    run(world, "shop-1")
    settle(world)

    world.store.ahead = 0
    world.submit(push("a", "b", 2), "2")
    settle(world)
    assert states(world) == [State.STOPPING, State.PENDING]

    world.cluster.remove_job("shop-1")
    for pod in list(world.cluster.pods):
        world.cluster.remove_pod(pod)
    settle(world)
    assert states(world) == [State.SUPERSEDED, State.STARTING]


def test_a_lease_of_a_clock_that_was_ahead_holds_nobody_up(world: World) -> None:
    """Whoever had it has died; by the clock of now it would last for an hour."""
    row = world.store.keys.row(TARGET)
    until = world.store.now() + HOUR
    world.store.client.hset(row, mapping={"lease": "dead", "lease_until": until})

    world.submit(push("0", "a", 1), "1")

    assert world.queue, "nobody was woken"
    world.reconcile()
    assert states(world) == [State.STARTING]


def test_a_workers_own_clock_decides_nothing(world: World) -> None:
    """It may say that the lease has to be renewed, too early or never."""
    for number, clock in enumerate((lambda: 0.0, iter(range(0, YEAR, HOUR)).__next__), 1):
        world.reconciler = dataclasses.replace(world.reconciler, clock=clock)
        world.submit(push(f"{number - 1}", f"{number}", number), str(number))
        world.reconcile()
        pod = run(world, f"shop-{number}")
        world.cluster.end_pod(pod, 0)
        world.cluster.end_job(f"shop-{number}")
        settle(world)
        assert states(world)[-1] is State.SUCCEEDED
        settle(world)
