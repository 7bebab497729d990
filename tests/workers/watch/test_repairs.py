"""What counts as a repair, and how often it is logged: faults, each once, and not what is under way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from structlog.testing import capture_logs
from structlog.typing import EventDict

from dispatcher.domain.deploy import State
from dispatcher.domain.event import EventKind
from dispatcher.domain.repairs import Kind
from dispatcher.domain.spec import Policies
from dispatcher.ledger import Events, Processes, Reader, Repairs
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


LASTS = "no worker has taken a target up for 20 s"
OVER = "workers take wake-ups again"


def test_when_it_lasts_the_log_says_so_once_and_all_who_ask_can_see_it(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    processes, woken_at = Processes(world.store), world.store.now()

    with capture_logs() as logs:
        later(world, 3)
        later(world, 2)
    assert logged(logs, LASTS) == [LASTS]
    assert abs(processes.roll().untaken_since - woken_at) < LONG
    (view, _) = Reader(world.store).targets([TARGET, OTHER])
    assert view.trouble is None  # by Redis' own clock it has not lasted

    with capture_logs() as logs:
        world.reconcile()
        world.tick()
        world.tick()
    assert logged(logs, LASTS, OVER) == [OVER]
    assert processes.roll().untaken_since == 0
    kinds = [each.event.kind for each in Events(world.store).before("", 100) if not each.target]
    assert kinds == [EventKind.RECOVERED, EventKind.TROUBLE]


def test_a_short_wait_is_nothing_to_tell_anybody(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    world.store.ahead += 15_000
    world.tick()

    with capture_logs() as logs:
        world.tick()
        world.reconcile()
        world.tick()

    assert logged(logs, LASTS, OVER) == [OVER]
    assert not [each for each in Events(world.store).before("", 100) if not each.target]


def test_the_next_leader_sees_it_too_before_any_target_is_due_again(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    later(world, 12)
    Processes(world.store).resolve_untaken()
    world.store.client.zadd(world.store.keys.due, {TARGET: world.store.now() + LONG})

    world.fail_over()
    world.tick()

    assert Processes(world.store).roll().untaken_since > 0


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
