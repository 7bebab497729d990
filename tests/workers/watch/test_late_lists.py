"""Lists that arrive late: a stopped reflector's, behind those of the reflector after it."""

from __future__ import annotations

import pytest

from dispatcher.domain.deploy import State
from dispatcher.domain.repairs import Kind
from dispatcher.ledger import Repairs, WatcherHealth
from tests.model.world import World
from tests.workers.reconcile.test_takeover import push, run, settle, states
from workers.watch.reflector import ConnectionLost
from workers.watch.reflectors import KINDS


def run_and_restart(world: World) -> None:
    """A LIST is under way since before shop/1 runs; Redis is restarted, and the watcher has listed anew."""
    world.cluster.list_into(world.leader.inbox)
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    run(world, "shop-1")
    world.restart_redis()
    world.tick()
    settle(world)
    assert states(world) == [State.RUNNING]


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_of_before_a_restart_of_redis_makes_nothing_run_twice(
    world: World, kind: str
) -> None:
    run_and_restart(world)

    world.deliver_late(kind, 10)
    settle(world)

    assert states(world) == [State.RUNNING]
    assert Repairs(world.store).counts()[Kind.OLDER_CLUSTER] == 0
    assert Repairs(world.store).counts()[Kind.VANISHED_JOB] == 0


def test_a_connection_lost_of_a_stopped_reflector_is_not_reported(world: World) -> None:
    run_and_restart(world)
    (stopped,) = world.cluster.stopped
    stopped.waiting["job"].clear()
    stopped.waiting["job"].append(ConnectionLost("", "job", "its connection was cut"))

    world.deliver_late("job")

    assert WatcherHealth(world.store).problems() == []


def test_a_list_that_was_delivered_and_not_taken_before_a_restart_is_void(world: World) -> None:
    world.cluster.list_into(world.leader.inbox)
    world.leader.inbox.deliver("job", 10)
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    run(world, "shop-1")
    world.restart_redis()
    world.tick()

    settle(world)

    assert states(world) == [State.RUNNING]
    assert Repairs(world.store).counts()[Kind.VANISHED_JOB] == 0
