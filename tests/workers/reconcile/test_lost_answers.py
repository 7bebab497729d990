"""What can no longer be read by the time that a Job has failed: its Pods, their log."""

from __future__ import annotations

import pytest

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from tests.model.world import World
from tests.workers.reconcile.test_slow_starts import until_due
from tests.workers.reconcile.test_takeover import start, take_over
from workers.reconcile.executor import LOG_ATTEMPTS

NO_ANSWER = "could not read the log of shop-1-pod: dial tcp 10.0.0.7:10250: i/o timeout (500)"


def runs(world: World) -> str:
    """shop/1 runs; its Pod's uid."""
    pod = start(world)
    world.observe_all()
    take_over(world)
    return pod


def fails(world: World, pod: str) -> None:
    world.cluster.end_pod(pod, 3)
    world.cluster.end_job("shop-1")
    world.observe_all()
    world.reconcile()


def test_a_log_that_its_node_does_not_give_is_tried_a_few_times_and_holds_no_end_up(
    world: World,
) -> None:
    pod = runs(world)
    world.cluster.log_unavailable = NO_ANSWER
    world.trace.clear()

    fails(world, pod)
    for _ in range(2 * LOG_ATTEMPTS):
        until_due(world)

    over = world.deploys()[1]
    assert (over.state, over.cause) == (State.FAILED, CauseKind.SCRIPT)
    assert over.log_tail == f"(no log: {NO_ANSWER})"
    assert world.trace.count("log") == LOG_ATTEMPTS


def test_a_log_that_comes_a_little_later_is_kept(world: World) -> None:
    pod = runs(world)
    world.cluster.log_unavailable = NO_ANSWER
    fails(world, pod)
    assert world.deploys()[1].state is State.RUNNING

    world.cluster.log_unavailable = ""
    until_due(world)

    assert world.deploys()[1].log_tail == "the log"


@pytest.mark.parametrize("how", ["drained", "evicted"])
def test_what_a_watcher_saw_of_a_pod_that_went_still_counts_for_the_next(
    world: World, how: str
) -> None:
    pod = runs(world)
    world.cluster.disrupt_pod(pod, how)
    world.cluster.delete_pod("ns", "shop-1-pod", pod)
    world.cluster.remove_pod(pod)
    world.observe_all()
    take_over(world)

    world.fail_over()
    world.cluster.end_job("shop-1")
    world.observe_all()
    take_over(world)

    again = world.deploys()[1]
    assert (again.state, again.cause, again.troubles) == (State.PENDING, CauseKind.EVICTED, 1)


def test_a_pod_that_went_is_remembered_over_a_restart_of_redis(world: World) -> None:
    pod = runs(world)
    world.cluster.disrupt_pod(pod, "drained")
    world.cluster.delete_pod("ns", "shop-1-pod", pod)
    world.cluster.remove_pod(pod)
    world.observe_all()
    take_over(world)

    world.restart_redis()
    world.tick()
    world.observe_all()
    world.cluster.end_job("shop-1")
    world.observe_all()
    take_over(world)

    assert world.deploys()[1].cause is CauseKind.EVICTED


def test_a_new_watcher_does_not_take_a_deploy_that_runs_for_one_that_starts(world: World) -> None:
    runs(world)

    world.fail_over()
    world.observe("job", 10)

    (observed,) = world.jobs()
    assert observed.started
