"""What a worker finds that takes over from another, step by step: each once broke a promise."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from dispatcher.domain.deploy import State
from dispatcher.domain.errors import ClusterForbids
from dispatcher.domain.push import Push
from dispatcher.domain.spec import Policies
from tests.model.world import TARGET, World
from workers.kube.objects import Job

NEWER = 3_000


def push(before: str, after: str, at: int) -> Push:
    return Push(
        repository="git.example.com/acme/shop",
        ref="refs/heads/main",
        before=before * 40,
        after=after * 40,
        pushed_at=1_700_000_000_000 + at,
    )


@pytest.fixture
def policies() -> Policies:
    return Policies(start_timeout=10)


def start(world: World, **faults: str) -> str:
    """shop/1 is pushed and started with these faults; its Pod's uid."""
    world.submit(push("0", "a", 1), "1")
    world.faults = dict(faults.items())
    world.reconcile()
    return run(world, "shop-1")


def run(world: World, name: str) -> str:
    world.cluster.make_pod(name)
    (uid,) = (u for u, pod in world.cluster.pods.items() if pod.metadata.name == f"{name}-pod")
    world.cluster.run_pod(uid)
    return uid


def take_over(world: World) -> None:
    world.expire_lease()
    world.wake_due()
    world.reconcile()


def settle(world: World) -> None:
    """All that has come is taken in, and a worker looks at it."""
    world.observe_all()
    take_over(world)


def states(world: World) -> list[State]:
    return [deploy.state for deploy in world.deploys().values()]


def test_a_pod_that_outlives_its_job_and_a_watcher_blocks_only_while_it_lives(world: World) -> None:
    pod = start(world)
    world.observe_all()
    world.reconcile()
    world.submit(push("a", "b", 2), "2")
    world.reconcile()
    world.cluster.remove_job("shop-1")
    world.observe_all()
    world.fail_over()
    world.observe_all()

    world.cluster.remove_pod(pod)
    world.observe_all()
    world.store.ahead += 60_000
    take_over(world)

    assert states(world) == [State.SUPERSEDED, State.STARTING]


def test_a_newer_deploy_waits_for_the_pods_of_a_start_that_nobody_knows_of(world: World) -> None:
    start(world, create="kill after")
    world.cluster.kubectl_delete_job("shop-1")
    world.submit(push("a", "b", 2), "2")

    take_over(world)

    assert "shop-2" not in world.cluster.jobs


def test_a_refused_claim_does_not_end_a_deploy_whose_job_may_be_there(world: World) -> None:
    start(world, create="unavailable after")
    world.submit(push("a", "b", 2), "2")
    create = world.cluster.create_job
    refused: list[dict[str, Any]] = []

    def over_quota(manifest: dict[str, Any]) -> Job:
        if not refused:
            refused.append(manifest)
            raise ClusterForbids("could not create Job shop-1: exceeded quota (403)")
        return create(manifest)

    world.cluster.create_job = over_quota  # type: ignore[method-assign]
    world.store.ahead += NEWER
    take_over(world)

    assert refused
    assert "shop-2" not in world.cluster.jobs


def test_a_push_during_a_claim_is_what_starts_next(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    world.faults = {"create": "unavailable before"}
    world.reconcile()
    world.store.ahead += NEWER
    world.faults = {"create": "pause"}
    world.during_pause = lambda: world.submit(push("a", "b", 2), "2")

    take_over(world)

    assert "shop-1-2" not in world.cluster.jobs
    assert "shop-2" in world.cluster.jobs


def test_a_pause_during_a_claim_keeps_the_next_attempt_from_starting(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    world.faults = {"create": "unavailable before"}
    world.reconcile()
    world.store.ahead += NEWER
    world.faults = {"create": "pause"}
    world.during_pause = lambda: world.pause(None)

    take_over(world)

    assert "shop-1-2" not in world.cluster.jobs
    world.resume(None)
    world.reconcile()
    assert "shop-1-2" in world.cluster.jobs


@pytest.mark.parametrize("runs", [True, False])
def test_where_every_push_runs_a_branch_that_is_forced_back_ends_where_it_was_forced_to(
    world: World, runs: bool
) -> None:
    """Its commit runs already, or was deployed last; what waits behind it would come after it."""
    world.configure(replace(world.specs[TARGET], policies=Policies(on_new_push="every")))
    pod = start(world)
    if not runs:
        world.cluster.end_pod(pod, 0)
        world.cluster.end_job("shop-1")
        world.observe_all()
        world.reconcile()
        world.pause(None)

    world.submit(push("a", "b", 2), "2")
    world.submit(push("b", "a", 3), "3")

    commits = [deploy.commit[0] for deploy in world.deploys().values()]
    assert commits == ["a", "b", "a"]


def test_a_delete_that_is_refused_loses_no_success(world: World) -> None:
    pod = start(world)
    world.observe_all()
    world.reconcile()
    world.cluster.end_pod(pod, 0)
    world.cluster.end_job("shop-1")
    world.observe_all()

    def forbidden(namespace: str, name: str, uid: str) -> bool:
        raise ClusterForbids(f"could not delete Job {name}: forbidden (403)")

    world.cluster.delete_job = forbidden  # type: ignore[method-assign]
    world.reconcile()

    assert states(world) == [State.SUCCEEDED]


def test_when_all_is_over_nothing_is_due(world: World) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    world.store.ahead += 11_000  # no Pod of it started: put back
    take_over(world)
    world.cluster.remove_job("shop-1")
    world.observe_all()
    world.store.ahead += 11_000
    take_over(world)
    pod = run(world, "shop-1-2")
    world.observe_all()
    world.cluster.end_pod(pod, 0)
    world.cluster.end_job("shop-1-2")
    world.observe_all()
    world.reconcile()
    world.cluster.remove_job("shop-1-2")
    world.cluster.remove_pod(pod)
    world.observe_all()
    world.store.ahead += 60_000
    take_over(world)

    assert states(world) == [State.SUCCEEDED]
    assert world.jobs() == []
    assert world.next_due() is None


def test_a_target_that_was_never_pushed_to_is_let_go(world: World) -> None:
    world.reconcile()

    assert not world.is_leased()


@pytest.mark.parametrize("order", [(0, 2, 1), (0, 1, 2, 1)])
def test_a_late_or_repeated_push_does_not_undo_a_force_push(
    world: World, order: tuple[int, ...]
) -> None:
    pushes = [push("0", "a", 1), push("a", "b", 2), push("b", "a", 3)]

    for count, index in enumerate(order):
        world.submit(pushes[index], f"d{count}")

    assert world.deploys()[1].commit == "a" * 40
