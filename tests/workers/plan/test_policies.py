"""What policies and operators change about the next step: by example."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Reason, State
from tests.workers.plan.test_plan import NOW, deploy, job, snapshot
from workers.plan import plan
from workers.plan.active_deploy import after_failure
from workers.plan.changed_deploy import FIRST_RETRY
from workers.plan.steps import Change, Create, Delete, ListPods, Stop, Wait
from workers.plan.times import RECHECK

MINUTE = 60_000


def running(**more: Any) -> Any:
    return deploy(1, State.RUNNING, **more)


def test_a_cancelled_deploy_that_runs_is_stopped_and_ends_as_cancelled() -> None:
    step = plan(snapshot(running(cancelled_by="ann", why="cancelled by ann"), job(1)), "new")

    assert isinstance(step, Stop)
    (stopped,) = step.deploys
    assert (stopped.state, stopped.stopping_at) == (State.STOPPING, NOW)
    over = plan(snapshot(stopped, job(1, gone=True)), "new", live_pods=0)
    assert isinstance(over, Change)
    assert (over.deploys[0].state, over.deploys[0].why) == (State.CANCELLED, "cancelled by ann")


def test_cancelled_while_its_start_was_uncertain_it_does_not_start_again() -> None:
    step = plan(snapshot(deploy(1, attempt=1, cancelled_by="ann")), "new", live_pods=0)

    assert isinstance(step, Change)
    assert step.deploys[0].state is State.CANCELLED


def test_paused_nothing_starts_and_the_reason_is_shown() -> None:
    step = plan(snapshot(deploy(1), paused="paused by ann: migration"), "new")

    assert step == Wait(NOW + RECHECK, "paused by ann: migration")


def test_paused_what_runs_goes_on_and_is_still_superseded() -> None:
    step = plan(snapshot(running(), deploy(2), job(1), paused="paused by ann"), "new")

    assert isinstance(step, Stop)


@pytest.mark.parametrize(
    ("policies", "observed"),
    [({"interruptible": False}, {}), ({}, {"interruptible": False})],
    ids=["setting", "annotation"],
)
def test_what_may_not_be_interrupted_is_left_to_finish(
    policies: dict[str, Any], observed: dict[str, Any]
) -> None:
    seen = snapshot(running(), deploy(2), job(1, **observed), policies=policies)

    assert isinstance(plan(seen, "new"), Wait)


def test_it_waits_until_pushes_have_settled_but_not_for_ever() -> None:
    policies = {"quiet_period": 60, "quiet_max": 120}
    fresh = deploy(1, created_at=NOW - MINUTE, wanted_at=NOW)
    old = deploy(1, created_at=NOW - 2 * MINUTE, wanted_at=NOW)
    asked = deploy(1, created_at=NOW, wanted_at=NOW, reason=Reason.REDEPLOY)

    assert plan(snapshot(fresh, policies=policies), "new") == Wait(due_at=NOW + MINUTE)
    assert isinstance(plan(snapshot(old, policies=policies), "new", 0), Create)
    assert isinstance(plan(snapshot(asked, policies=policies), "new", 0), Create)


def test_every_push_runs_in_order() -> None:
    policies = {"on_new_push": "every"}

    assert isinstance(plan(snapshot(running(), deploy(2), job(1), policies=policies), "new"), Wait)
    step = plan(snapshot(deploy(2), deploy(3), policies=policies), "new", 0)
    assert isinstance(step, Create)
    assert step.deploy.number == 2


def test_a_redeploy_waits_behind_a_push_also_while_that_one_waits_for_others() -> None:
    policies = {"quiet_period": 60}
    waiting = deploy(1, created_at=NOW, wanted_at=NOW), deploy(2, reason=Reason.REDEPLOY)

    assert plan(snapshot(*waiting, policies=policies), "new") == Wait(due_at=NOW + MINUTE)
    step = plan(snapshot(*waiting, policies=policies, now=NOW + MINUTE), "new", 0)
    assert isinstance(step, Create)
    assert step.deploy.number == 1


def test_behind_what_the_cluster_could_not_run_a_redeploy_does_not_wait_for_its_retries() -> None:
    tried = deploy(1, attempt=1, troubles=1, not_before=NOW + MINUTE, why="no Pod of it started")

    step = plan(snapshot(tried, deploy(2, reason=Reason.REDEPLOY)), "new")

    assert isinstance(step, Change)
    (over,) = step.deploys
    assert (over.state, over.superseded_by) == (State.FAILED, 0)
    assert over.why == "no Pod of it started"


@pytest.mark.parametrize("reason", [Reason.REDEPLOY, Reason.PUSH])
def test_a_redeploy_that_came_to_nothing_gives_way_to_anything_newer(reason: Reason) -> None:
    tried = deploy(1, attempt=1, troubles=1, reason=Reason.REDEPLOY)
    newer = deploy(2, reason=reason)

    step = plan(snapshot(tried, newer), "new")

    assert isinstance(step, Change)
    (over,) = step.deploys
    assert (over.state, over.superseded_by) == (State.SUPERSEDED, 2)


def test_a_success_is_kept_as_long_as_asked_for() -> None:
    done = deploy(1, State.SUCCEEDED, ended_at=NOW)
    observed = job(1, outcome="succeeded")
    seen = snapshot(done, observed, policies={"keep_succeeded_for": 60})

    assert plan(seen, "new") == Wait(due_at=NOW + MINUTE)
    later = snapshot(done, observed, policies={"keep_succeeded_for": 60}, now=NOW + MINUTE)
    assert isinstance(plan(later, "new"), Delete)


def test_a_pod_that_does_not_start_is_tried_again_later_under_another_name() -> None:
    starting = deploy(1, State.STARTING, starting_at=NOW - 15 * MINUTE)
    waiting = job(1, cause=CauseKind.IMAGE, why="container waits: ImagePullBackOff", retry=True)

    step = plan(snapshot(starting, waiting), "new")

    assert isinstance(step, Change)
    (again,) = step.deploys
    assert (again.state, again.troubles) == (State.PENDING, 1)
    assert again.not_before == NOW + FIRST_RETRY
    assert "ImagePullBackOff" in again.why
    assert isinstance(plan(snapshot(again, waiting), "new"), Delete), "its Job is orphaned by now"
    assert plan(snapshot(again), "new") == Wait(NOW + FIRST_RETRY, again.why)
    due = snapshot(again, now=again.not_before)
    assert plan(due, "new") == ListPods(again)
    retried = plan(due, "new", live_pods=0)
    assert isinstance(retried, Create)
    assert retried.deploy.job == "shop-1-2"


def test_in_the_end_it_fails_with_the_clusters_reason() -> None:
    starting = deploy(1, State.STARTING, starting_at=NOW - 15 * MINUTE, troubles=2)
    waiting = job(1, cause=CauseKind.SCHEDULING, why="no node takes its Pod", retry=True)

    step = plan(snapshot(starting, waiting), "new")

    assert isinstance(step, Stop)
    over = plan(snapshot(step.deploys[0], job(1, gone=True)), "new", live_pods=0)
    assert isinstance(over, Change)
    assert over.deploys[0].state is State.FAILED
    assert "no node takes its Pod" in over.deploys[0].why


def test_a_pod_that_will_not_go_is_said_and_can_be_released() -> None:
    stopping = deploy(1, State.STOPPING, stopping_at=NOW - 5 * MINUTE, delete_sent_at=NOW)
    stuck = plan(snapshot(stopping, deploy(2), job(1, deleting=True)), "new")

    assert isinstance(stuck, Wait)
    assert "release shop/1" in stuck.trouble

    released = deploy(1, State.STOPPING, stopping_at=NOW, released_by="ann", why="released by ann")
    over = plan(snapshot(released, deploy(2), job(1, deleting=True)), "new")
    assert isinstance(over, Change)
    assert over.deploys[0].state is State.CANCELLED
    next_one = plan(snapshot(over.deploys[0], deploy(2), job(1, deleting=True)), "new")
    assert isinstance(next_one, Create)


def test_where_every_push_counts_what_the_cluster_took_away_runs_again_before_the_next() -> None:
    observed = job(
        1, outcome="failed", cause=CauseKind.NODE, why="its node was restarted", retry=True
    )
    parts = deploy(1, State.RUNNING), deploy(2), observed

    merged = snapshot(*parts)
    every = snapshot(*parts, policies={"on_new_push": "every"})

    assert (
        after_failure(merged, parts[0], observed).state is State.FAILED
    )  # the newer one takes its place
    assert after_failure(every, parts[0], observed).state is State.PENDING
