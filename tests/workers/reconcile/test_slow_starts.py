"""A deploy that does not start, from its Job's creation to its end: in virtual time, looked at when due."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.spec import Policies
from tests.model.world import World
from tests.workers.causes.states import ended, pod, running, waiting
from tests.workers.reconcile.test_events import trouble
from tests.workers.reconcile.test_takeover import push
from workers.plan.times import RECHECK, START_GRACE

START, CLONE = 120, 300
"""Seconds."""
CLONING = pod(
    "Pending", init={"clone": running()}, containers={"deploy": waiting("PodInitializing")}
)
NO_IMAGE = pod(
    "Pending", init={"clone": ended(0, 61)}, containers={"deploy": waiting("ErrImagePull")}
)


@pytest.fixture
def world(client: redis.Redis) -> Iterator[World]:
    policies = Policies(start_timeout=START, clone_timeout=CLONE, start_attempts=1)
    world = World(client, policies)
    world.observe_all()
    yield world
    world.close()


def started(world: World) -> str:
    """shop/1 is pushed, and its Job has a Pod; the Pod's uid."""
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    world.cluster.make_pod("shop-1")
    world.observe_all()
    world.reconcile()
    (uid,) = world.cluster.pods
    return uid


def until_due(world: World) -> None:
    """Time passes until a look is due, and there is one."""
    due = world.next_due()
    assert due is not None
    world.store.ahead += max(0, due - world.store.now()) + 1
    world.tick()
    world.expire_lease()
    world.reconcile()


def until_it_stops(world: World) -> tuple[Deploy, int]:
    """The deploy, and how many seconds after its start."""
    while (deploy := world.deploys()[1]).state is State.STARTING:
        until_due(world)
    return deploy, (deploy.stopping_at - deploy.starting_at) // 1000


def test_a_clone_that_hangs_is_ended_by_its_own_bound(world: World) -> None:
    world.cluster.report(started(world), CLONING.status)
    world.observe_all()

    deploy, after = until_it_stops(world)

    assert (deploy.state, deploy.cause) == (State.STOPPING, CauseKind.CLONE)
    assert deploy.why == "container clone did not finish within 300 s (clone_timeout: 5m)"
    assert CLONE <= after <= CLONE + RECHECK // 1000


def test_an_image_that_is_not_there_behind_a_clone_is_said_and_ended_in_time(world: World) -> None:
    world.cluster.report(started(world), NO_IMAGE.status)
    world.observe_all()
    world.reconcile()

    seen = world.deploys()[1]
    until_due(world)
    shown = trouble(world)
    deploy, after = until_it_stops(world)

    assert (seen.state, seen.why) == (State.STARTING, "container deploy waits: ErrImagePull")
    assert shown == "container deploy waits: ErrImagePull"
    assert world.store.now() - seen.starting_at > START_GRACE
    assert (deploy.cause, deploy.gives_up) == (CauseKind.IMAGE, True)
    assert START + 60 <= after <= START + 60 + RECHECK // 1000, "its clone took a minute"
