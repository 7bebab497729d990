"""A ledger that was emptied or has gone back, and a cluster that was restored: each once broke a promise."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dispatcher.domain.deploy import State
from dispatcher.domain.repairs import Kind
from dispatcher.domain.spec import Policies
from dispatcher.ledger import Repairs
from tests.model.fake_cluster import OTHER_NAMESPACE
from tests.model.world import TARGET, World
from tests.workers.reconcile.test_takeover import push, run, settle, states, take_over


def deployed(world: World, before: str, after: str, number: int) -> None:
    """A push that is deployed, and nothing is left of it."""
    world.submit(push(before, after, number), f"d{number}")
    take_over(world)
    pod = run(world, f"shop-{number}")
    end(world, pod, f"shop-{number}", 0)


def end(world: World, pod: str, job: str, exit_code: int) -> None:
    world.cluster.end_pod(pod, exit_code)
    world.cluster.end_job(job)
    settle(world)
    if not exit_code:
        world.cluster.remove_job(job)
        world.cluster.remove_pod(pod)
        settle(world)


def listed_anew(world: World) -> None:
    """The watcher has noticed that another Redis answers, or an empty one."""
    world.tick()
    world.observe_all()


def gone_unseen(world: World, job: str) -> None:
    """A Job goes while no watcher looks; the next one has heard of the Jobs, but not of the Pods yet."""
    world.cluster.remove_job(job)
    world.fail_over()
    world.observe("job")


# The ledger


@pytest.mark.parametrize("emptied", [True, False])
def test_a_pod_that_the_ledger_has_forgotten_keeps_the_next_deploy_waiting(
    world: World, emptied: bool
) -> None:
    deployed(world, "0", "a", 1)
    backup = world.back_up_ledger()
    world.submit(push("a", "b", 2), "2")
    take_over(world)
    pod = run(world, "shop-2")
    world.cluster.kubectl_delete_job("shop-2")

    world.lose_ledger(None if emptied else backup)
    listed_anew(world)
    world.submit(push("b", "c", 3), "3")
    take_over(world)
    assert not world.cluster.jobs

    world.cluster.remove_pod(pod)
    take_over(world)
    assert len(world.cluster.jobs) == 1


def test_nothing_starts_if_the_ledger_is_emptied_between_the_lists_of_jobs_and_of_pods(
    world: World,
) -> None:
    deployed(world, "0", "a", 1)
    world.submit(push("a", "b", 2), "2")
    world.reconcile()
    world.fail_over()

    world.observe("job")
    world.lose_ledger(None)
    world.publish()
    world.observe("pod")
    world.submit(push("b", "c", 3), "3")
    world.reconcile()
    assert set(world.cluster.jobs) == {"shop-2"}

    listed_anew(world)
    take_over(world)
    assert states(world) == [State.PENDING, State.STOPPING]


def test_what_an_emptied_ledger_finds_evicted_does_not_run_again_after_something_newer(
    world: World,
) -> None:
    world.configure(replace(world.specs[TARGET], policies=Policies(start_attempts=1)))
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    world.cluster.disrupt_pod(run(world, "shop-1"), "evicted")
    world.cluster.end_job("shop-1")
    settle(world)
    world.submit(push("a", "b", 2), "2")
    take_over(world)
    run(world, "shop-2")
    world.configure(replace(world.specs[TARGET], policies=Policies()))

    world.lose_ledger(None)
    listed_anew(world)
    take_over(world)

    assert states(world) == [State.FAILED, State.RUNNING]


def test_a_job_whose_number_was_given_again_and_cancelled_is_not_left_lying(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    run(world, "shop-1")

    world.lose_ledger(None)
    world.submit(push("a", "b", 2), "2")
    world.cancel(1)
    listed_anew(world)
    take_over(world)

    assert world.cluster.jobs["shop-1"].metadata.deletion_timestamp is not None


@pytest.mark.parametrize("merged", [True, False])
def test_a_commit_that_a_rolled_back_ledger_has_forgotten_is_newer_than_what_it_remembers(
    world: World, merged: bool
) -> None:
    """It was merged into the deploy that waited, or has come after that one was over."""
    world.submit(push("0", "a", 1), "1")
    backup = world.back_up_ledger()
    if not merged:
        world.reconcile()
        end(world, run(world, "shop-1"), "shop-1", 0)
    world.submit(push("a", "b", 2), "2")
    take_over(world)
    run(world, "shop-1" if merged else "shop-2")

    world.lose_ledger(backup)
    listed_anew(world)
    take_over(world)

    deploys = world.deploys().values()
    assert [(d.commit[0], d.state) for d in deploys if not d.terminal] == [("b", State.RUNNING)]
    assert [d.superseded_by for d in deploys if d.terminal] == ([] if merged else [2])


# The cluster


@pytest.mark.parametrize("cut_off", [True, False])
def test_a_cluster_that_goes_back_is_noticed_by_what_was_heard_since_the_last_list(
    world: World, cut_off: bool
) -> None:
    """Also where the watcher takes in the list together with what came before it."""
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    world.observe_all()
    pod = run(world, "shop-1")
    settle(world)
    backup = world.cluster.back_up()
    world.cluster.kubectl_delete_job("shop-1")
    if cut_off:
        world.observe_all()

    world.restore_cluster(backup)
    settle(world)
    assert Repairs(world.store).counts()[Kind.OLDER_CLUSTER] == 1
    assert states(world) == [State.RUNNING]
    end(world, pod, "shop-1", 0)

    assert states(world) == [State.SUCCEEDED]


def test_a_job_of_a_failed_deploy_that_runs_again_with_its_cluster_is_not_kept(
    world: World,
) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    pod = run(world, "shop-1")
    settle(world)
    backup = world.cluster.back_up()
    end(world, pod, "shop-1", 1)
    assert states(world) == [State.FAILED]

    world.restore_cluster(backup)
    settle(world)

    assert world.cluster.jobs["shop-1"].metadata.deletion_timestamp is not None


# The deploy that was started last


def start_often(world: World) -> None:
    """shop/1 is started, for the first of five times if need be, each after ten seconds."""
    policies = Policies(start_timeout=10, start_attempts=5)
    world.configure(replace(world.specs[TARGET], policies=policies))
    world.submit(push("0", "a", 1), "1")
    world.reconcile()


def test_a_pod_of_an_older_deploy_that_was_started_last_keeps_the_next_one_waiting(
    world: World,
) -> None:
    """shop/1 is put back, shop/2 of another branch takes its turn, then it is tried again."""
    start_often(world)
    world.store.ahead += 11_000
    settle(world)
    world.cluster.remove_job("shop-1")
    world.submit(replace(push("0", "b", 2), ref="refs/heads/next"), "2")
    settle(world)
    end(world, run(world, "shop-2"), "shop-2", 0)
    world.store.ahead += 11_000
    settle(world)
    world.cluster.make_pod("shop-1-2")
    (pod,) = world.cluster.pods
    world.store.ahead += 11_000
    settle(world)
    gone_unseen(world, "shop-1-2")
    world.submit(push("a", "c", 3), "3")
    take_over(world)
    assert not world.cluster.jobs

    world.cluster.remove_pod(pod)
    settle(world)
    assert set(world.cluster.jobs) == {"shop-3"}


def test_a_pod_in_the_namespace_that_a_target_has_left_keeps_the_next_deploy_waiting(
    world: World,
) -> None:
    start_often(world)
    world.cluster.make_pod("shop-1")
    (pod,) = world.cluster.pods
    world.store.ahead += 11_000
    settle(world)
    gone_unseen(world, "shop-1")

    world.configure(replace(world.specs[TARGET], namespace=OTHER_NAMESPACE))
    world.submit(push("a", "b", 2), "2")
    take_over(world)
    assert not world.cluster.jobs

    world.cluster.remove_pod(pod)
    settle(world)
    assert set(world.cluster.jobs) == {f"{OTHER_NAMESPACE}/shop-2"}
