"""What a deploy waits for."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.pause import Paused
from dispatcher.domain.waiting import QueuedTarget, Wait, WaitsFor, waits_of

NOW = 100_000


def deploy(number: int, **more: Any) -> Deploy:
    facts = {"state": State.PENDING, "stream": "main", "created_at": 90_000, "wanted_at": 90_000}
    return Deploy(
        target="shop", number=number, ref="refs/heads/main", commit="c", **{**facts, **more}
    )


def target(*waiting: Deploy, **more: Any) -> QueuedTarget:
    facts = {"active": None, "paused": None, "trouble": "", "woken": False, "slot_position": 0}
    return QueuedTarget(
        name="shop", now=NOW, waiting=waiting, waiting_count=len(waiting), **{**facts, **more}
    )


def only(*args: Deploy, **more: Any) -> Wait:
    return waits_of(target(*args, **more))[-1]


def test_a_worker_has_to_take_it_up() -> None:
    wait = only(deploy(1), woken=True, trouble="another deploy is active")

    assert (wait.waits_for, wait.since, wait.position) == (WaitsFor.WORKER, 90_000, 1)


def test_an_active_deploy_goes_first() -> None:
    wait = only(deploy(2), active=deploy(1, state=State.RUNNING), slot_position=4)

    assert (wait.waits_for, wait.behind) == (WaitsFor.EARLIER_DEPLOY, "shop/1")
    assert wait.why == "shop/1 is running"


def test_one_of_the_same_branch_goes_first_whatever_it_waits_for() -> None:
    wait = only(deploy(1, not_before=NOW + 5), deploy(2))

    assert (wait.waits_for, wait.behind, wait.position) == (WaitsFor.EARLIER_DEPLOY, "shop/1", 2)


def test_one_of_another_branch_goes_first_only_if_it_may_start() -> None:
    other = deploy(1, stream="dev", not_before=NOW + 5)

    assert only(other, deploy(2)).waits_for is WaitsFor.WORKER
    assert only(deploy(1, stream="dev"), deploy(2)).behind == "shop/1"


def test_a_pause_counts_before_all_else() -> None:
    paused = Paused("ann", "a migration", 95_000)

    wait = only(deploy(2), active=deploy(1, state=State.RUNNING), paused=paused)

    assert (wait.waits_for, wait.since) == (WaitsFor.PAUSE, 95_000)
    assert wait.why == "paused by ann: a migration"


def test_what_the_cluster_could_not_run_is_tried_again() -> None:
    wait = only(deploy(1, not_before=NOW + 5_000, why="no quota"))

    assert (wait.waits_for, wait.until) == (WaitsFor.RETRY, NOW + 5_000)
    assert "no quota" in wait.why


@pytest.mark.parametrize(("quiet_max", "until"), [(600, 120_000), (15, 105_000)])
def test_pushes_have_to_settle(quiet_max: int, until: int) -> None:
    wait = only(deploy(1), quiet_period=30, quiet_max=quiet_max)

    assert (wait.waits_for, wait.until) == (WaitsFor.QUIET_PERIOD, until)
    redeploy = only(deploy(1, reason=Reason.REDEPLOY), quiet_period=30, quiet_max=quiet_max)
    assert redeploy.waits_for is WaitsFor.WORKER


def test_a_slot_is_waited_for_in_line() -> None:
    wait = only(deploy(1), slot_position=3, trouble="waits for a concurrency slot: 2 before it")

    assert (wait.waits_for, wait.position) == (WaitsFor.SLOT, 3)
    assert wait.why == "waits for a concurrency slot: 2 before it"


def test_trouble_holds_it_up() -> None:
    wait = only(deploy(1), trouble="Job shop-1 is still there")

    assert (wait.waits_for, wait.why) == (WaitsFor.CLUSTER, "Job shop-1 is still there")
