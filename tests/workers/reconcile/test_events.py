"""Events say why a deploy does not start: read by the worker where nothing else tells, and never otherwise."""

from __future__ import annotations

import pytest

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from dispatcher.domain.spec import Policies
from tests.model.world import TARGET, World
from tests.workers.reconcile.test_takeover import push, run, take_over
from workers.kube.objects import Event
from workers.plan.times import START_GRACE

WORDS = 'Error creating: pods "shop-1-" is forbidden: exceeded quota: pods, used: 0, limited: 0'
QUOTA = Event(type="Warning", reason="FailedCreate", message=WORDS)
SAID = f"no Pod can be made: FailedCreate: {WORDS}"


@pytest.fixture
def policies() -> Policies:
    return Policies(start_timeout=60, start_attempts=1)


def started(world: World) -> str:
    """shop/1 is pushed, and its Job is there without a Pod; the Job's uid."""
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    world.observe_all()
    world.reconcile()
    (job,) = world.cluster.jobs.values()
    return job.metadata.uid


def later(world: World, milliseconds: int) -> None:
    world.store.ahead += milliseconds
    world.tick()
    take_over(world)


def trouble(world: World) -> str:
    return str(world.store.client.hget(world.store.keys.row(TARGET), "trouble") or "")


def test_why_a_job_gets_no_pod_is_said_while_it_waits(world: World) -> None:
    world.cluster.events_by_uid[started(world)] = [QUOTA]

    later(world, START_GRACE)

    waits = world.deploys()[1]
    assert (waits.state, waits.cause, waits.why) == (State.STARTING, CauseKind.QUOTA, SAID)
    assert trouble(world) == SAID


def test_the_reason_is_kept_before_the_job_is_deleted(world: World) -> None:
    uid = started(world)
    later(world, START_GRACE)
    world.cluster.events_by_uid[uid] = [QUOTA]
    world.trace.clear()

    later(world, 50_000)

    calls = [each for each in world.trace if each in ("events", "delete")]
    assert calls[:2] == ["events", "delete"]
    world.cluster.remove_job("shop-1")
    world.observe_all()
    take_over(world)
    over = world.deploys()[1]
    assert (over.state, over.cause) == (State.FAILED, CauseKind.QUOTA)
    assert over.why.endswith(SAID)


def test_that_events_may_not_be_read_is_said_and_holds_nothing_up(world: World) -> None:
    started(world)
    world.cluster.events_forbidden = 'could not list Events: events is forbidden: User "w" (403)'

    later(world, START_GRACE)

    assert world.deploys()[1].state is State.STARTING
    assert trouble(world).endswith("can't be read: " + world.cluster.events_forbidden)
    run(world, "shop-1")
    world.observe_all()
    take_over(world)
    assert (world.deploys()[1].state, trouble(world)) == (State.RUNNING, "")


def test_events_that_cannot_be_read_hold_up_no_end_of_a_start(world: World) -> None:
    started(world)

    for wait in (START_GRACE, 50_000):
        world.faults = {"events": "unavailable before"}
        later(world, wait)

    over = world.deploys()[1]
    assert (over.state, over.gives_up) == (State.STOPPING, True)
    assert "its events, which may say why, can't be read: no answer" in over.why


def deployed(world: World, before: str, after: str, number: int) -> None:
    """A push that is deployed, and of which nothing is left."""
    world.submit(push(before, after, number), str(number))
    world.reconcile()
    pod = run(world, f"shop-{number}")
    world.observe_all()
    take_over(world)
    world.cluster.end_pod(pod, 0)
    world.cluster.end_job(f"shop-{number}")
    world.observe_all()
    take_over(world)
    world.cluster.remove_job(f"shop-{number}")
    world.cluster.remove_pod(pod)
    world.observe_all()
    take_over(world)


def test_a_deploy_that_succeeds_takes_two_writes_and_no_read(world: World) -> None:
    deployed(world, "0", "a", 1)
    world.trace.clear()

    deployed(world, "a", "b", 2)

    assert world.deploys()[2].state is State.SUCCEEDED
    cluster = ("create", "read", "delete", "list", "events", "log")
    assert [each for each in world.trace if each in cluster] == ["create", "delete"]


@pytest.mark.parametrize("other", ["", "Normal"])
def test_the_newest_warning_counts(world: World, other: str) -> None:
    uid = started(world)
    normal = Event(type="Normal", reason="SuccessfulCreate", message="Created pod: shop-1-x")
    world.cluster.events_by_uid[uid] = [normal, QUOTA] if other else [QUOTA]

    later(world, START_GRACE)

    assert world.deploys()[1].why == SAID
