"""What counts as a repair, and how often it is logged: faults, each once, and not what is under way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from structlog.testing import capture_logs
from structlog.typing import EventDict

from dispatcher.domain.deploy import State
from dispatcher.domain.repairs import Kind
from dispatcher.domain.spec import Policies
from dispatcher.ledger import Repairs
from tests.model.world import TARGET, World
from tests.workers.reconcile.test_takeover import push, run, states, take_over

OTHER = "docs"
LONG = 400_000
"""Milliseconds after which every target is due, however many wake-ups changed nothing."""


@pytest.fixture
def world(client: redis.Redis) -> Iterator[World]:
    world = World(client, Policies(start_timeout=10), (TARGET, OTHER))
    world.observe_all()
    yield world
    world.close()


def later(world: World, times: int = 1) -> None:
    for _ in range(times):
        world.store.ahead += LONG
        world.tick()


def logged(logs: list[EventDict], *events: str) -> list[str]:
    return [line["event"] for line in logs if line["event"] in events]


def test_that_no_worker_takes_up_wake_ups_is_said_once_and_that_it_is_over_once(
    world: World,
) -> None:
    about = "repaired", "workers take wake-ups again"
    for target in (TARGET, OTHER):
        world.submit(push("0", "a", 1), f"1 {target}", target)

    with capture_logs() as logs:
        later(world, 10)
    (line,) = [line for line in logs if line["event"] in about]
    assert line["what"].startswith("no worker takes wake-ups")
    assert Repairs(world.store).counts()[Kind.UNTAKEN_WAKE_UP] == 1
    assert {wake_up.target for wake_up in world.queue} == {TARGET, OTHER}

    with capture_logs() as logs:
        world.reconcile(TARGET)
        world.tick()
        assert logged(logs, *about) == []
        world.reconcile(OTHER)
        world.tick()
        world.tick()
    assert logged(logs, *about) == ["workers take wake-ups again"]


def test_when_it_happens_again_it_is_said_again(world: World) -> None:
    for number, name in enumerate("abc"):
        world.submit(push("0", name, number), name)
        later(world, 3)
        world.reconcile()
        world.tick()

    assert Repairs(world.store).counts()[Kind.UNTAKEN_WAKE_UP] == 3


def test_a_start_that_is_tried_again_is_no_repair(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    world.observe_all()
    world.store.ahead += 11_000
    take_over(world)
    assert states(world) == [State.PENDING]

    assert world.cluster.jobs["shop-1"].metadata.deletion_timestamp is not None
    assert [repair.kind for repair in Repairs(world.store).newest()] == []


def test_a_job_whose_pod_was_taken_away_is_tried_again_and_is_no_repair_either(
    world: World,
) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    world.cluster.disrupt_pod(run(world, "shop-1"), "evicted")
    world.cluster.end_job("shop-1")
    world.observe_all()
    world.reconcile()
    assert states(world) == [State.PENDING]

    assert [repair.kind for repair in Repairs(world.store).newest()] == []
