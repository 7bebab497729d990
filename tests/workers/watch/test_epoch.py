"""A cluster that was restored from a backup: versions go back, Jobs come back, no target waits forever."""

from __future__ import annotations

from dispatcher.domain.deploy import State
from dispatcher.domain.repairs import Kind
from dispatcher.ledger import Repairs
from tests.model.world import World
from tests.workers.reconcile.test_takeover import push, run, settle, states


def restore(world: World, backup: tuple[dict, dict, int]) -> None:  # type: ignore[type-arg]
    """The API server is back with an older state: connections were cut, so watchers list again."""
    jobs, pods, world.cluster._version = backup
    world.cluster.jobs, world.cluster.pods = dict(jobs), dict(pods)
    world.leader.inbox.waiting["job"].clear()
    world.leader.inbox.waiting["pod"].clear()
    world.cluster.list_into(world.leader.inbox)


def back_up(world: World) -> tuple[dict, dict, int]:  # type: ignore[type-arg]
    return dict(world.cluster.jobs), dict(world.cluster.pods), world.cluster._version


def later(world: World) -> None:
    """Much happens in the cluster that is not ours, and the watcher lists once more."""
    world.cluster._version += 50
    world.cluster.list_into(world.leader.inbox)
    settle(world)


def test_a_job_whose_versions_begin_anew_is_followed_to_its_end(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    pod = run(world, "shop-1")
    backup = back_up(world)
    later(world)
    assert states(world) == [State.RUNNING]

    restore(world, backup)
    settle(world)
    assert states(world) == [State.RUNNING]
    world.cluster.end_pod(pod, 0)
    world.cluster.end_job("shop-1")
    settle(world)

    assert states(world) == [State.SUCCEEDED]
    assert Repairs(world.store).counts()[Kind.OLDER_CLUSTER] == 1


def test_a_job_that_the_backup_does_not_have_has_vanished_and_runs_again(world: World) -> None:
    backup = back_up(world)
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    run(world, "shop-1")
    later(world)

    restore(world, backup)
    settle(world)

    (deploy,) = world.deploys().values()
    assert (deploy.state, deploy.troubles) == (State.PENDING, 1)
    assert Repairs(world.store).counts()[Kind.VANISHED_JOB] == 1


def test_a_job_of_an_older_deploy_that_comes_back_is_deleted(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    pod = run(world, "shop-1")
    backup = back_up(world)
    world.cluster.end_pod(pod, 0)
    world.cluster.end_job("shop-1")
    settle(world)
    world.cluster.remove_pod(pod)
    world.cluster.remove_job("shop-1")
    settle(world)
    assert states(world) == [State.SUCCEEDED]
    assert not world.cluster.jobs
    later(world)

    world.store.ahead += 60_000
    restore(world, backup)
    settle(world)

    assert world.cluster.jobs["shop-1"].metadata.deletion_timestamp is not None
    assert states(world) == [State.SUCCEEDED]
