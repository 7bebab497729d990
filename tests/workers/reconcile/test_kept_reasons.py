"""Why a deploy ended or is tried again is in the ledger before the Job that tells it is deleted."""

from __future__ import annotations

import pytest

from dispatcher.domain.deploy import State
from dispatcher.domain.spec import Policies
from dispatcher.ledger import Repairs
from tests.model.world import World
from tests.workers.reconcile.test_takeover import push, run, states, take_over


@pytest.fixture
def policies() -> Policies:
    return Policies(start_timeout=10, keep_failed=0)


def take_over_until_gone(world: World) -> None:
    """The Job that was told to go has gone, and another worker takes the target up."""
    world.cluster.remove_job("shop-1")
    world.cluster.step()
    world.observe_all()
    take_over(world)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_that_dies_as_it_deletes_a_failed_job_has_kept_why(
    world: World, moment: str
) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    world.cluster.end_pod(run(world, "shop-1"), 1)
    world.cluster.end_job("shop-1")
    world.observe_all()
    world.faults = {"delete": f"die {moment}"}

    world.reconcile()

    (deploy,) = world.deploys().values()
    assert (deploy.state, deploy.exit_code, deploy.log_tail) == (State.FAILED, 1, "the log")


def test_a_worker_that_dies_as_it_deletes_what_did_not_start_leaves_no_vanished_job(
    world: World,
) -> None:
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    world.observe_all()
    world.store.ahead += 11_000
    world.expire_lease()
    world.wake_due()
    world.faults = {"delete": "kill after"}

    world.reconcile()
    take_over_until_gone(world)

    (deploy,) = world.deploys().values()
    assert states(world) == [State.PENDING]
    assert "10 s" in deploy.why
    assert Repairs(world.store).newest() == []
