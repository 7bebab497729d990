"""What is done next about a target: by example."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import Any

import pytest
from msgspec.structs import replace

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Policies, Spec
from workers.plan import plan
from workers.plan.active_deploy import after_failure
from workers.plan.steps import (
    Change,
    Create,
    Delete,
    DiagnoseFailure,
    ListPods,
    ReserveName,
    Stop,
    Wait,
)
from workers.plan.times import DELETE_AGAIN, RECHECK, RESERVATION_AGE

NOW = 1_000_000_000
MAIN = "refs/heads/main"


def deploy(number: int, state: State = State.PENDING, **more: Any) -> Deploy:
    stream = more.pop("stream", MAIN)
    found = Deploy(
        target="shop",
        number=number,
        state=state,
        stream=stream,
        ref=stream,
        commit="c" * 40,
        **more,
    )
    if state is State.PENDING or found.attempt:
        return found
    return replace(
        found, attempt=1, namespace="ns", job=f"shop-{number}", uid=f"uid-{number}", token="t"
    )


def job(number: int, **more: Any) -> ObservedJob:
    values: dict[str, Any] = {"token": "t", "rv": "7", **more}
    return ObservedJob(
        namespace="ns",
        job=more.pop("name", f"shop-{number}"),
        uid=values.pop("uid", f"uid-{number}"),
        number=number,
        **{k: v for k, v in values.items() if k != "name"},
    )


def snapshot(*parts: Deploy | ObservedJob, **more: Any) -> Snapshot:
    policies = Policies(**more.pop("policies", {}))
    spec = Spec(
        target="shop",
        repository="r",
        namespace="ns",
        policies=policies,
        manifest={},
        digest="d",
    )
    values: dict[str, Any] = {"spec": spec, "listed": True, "now": NOW, **more}
    deploys = tuple(part for part in parts if isinstance(part, Deploy))
    values.setdefault("attempted", max((d.number for d in deploys if d.attempt), default=0))
    values.setdefault("begun", values["attempted"])
    values.setdefault("sure", bool(values["attempted"]))
    return Snapshot(
        target="shop",
        version=1,
        deploys=deploys,
        jobs=tuple(part for part in parts if isinstance(part, ObservedJob)),
        **values,
    )


def test_nothing_to_do_means_to_wait_for_nothing() -> None:
    assert plan(snapshot(), "new") == Wait()


def test_a_waiting_deploy_starts_under_a_name_of_its_own() -> None:
    step = plan(snapshot(deploy(42)), "new", 0)

    assert isinstance(step, Create)
    started = step.deploy
    assert (started.state, started.job, started.token) == (State.STARTING, "shop-42", "new")


def test_the_second_attempt_has_another_name() -> None:
    waiting = deploy(42, attempt=1)

    assert isinstance(plan(snapshot(waiting), "new"), ListPods)
    step = plan(snapshot(waiting), "new", live_pods=0)

    assert isinstance(step, Create)
    assert step.deploy.job == "shop-42-2"


@pytest.mark.parametrize(
    ("more", "trouble"),
    [
        ({"spec": None}, "published"),
        ({"listed": False}, "listed"),
    ],
)
def test_what_keeps_a_deploy_from_starting_is_said(more: dict[str, Any], trouble: str) -> None:
    step = plan(snapshot(deploy(1), **more), "new")

    assert isinstance(step, Wait)
    assert trouble in step.trouble


def test_nothing_starts_while_a_job_that_nobody_knows_may_run() -> None:
    step = plan(snapshot(deploy(2), job(1, live_pods=1, deleting=True)), "new")

    assert step == Wait(NOW + RECHECK, "Job shop-1 is still there")


def test_a_job_of_ours_that_the_ledger_has_forgotten_is_followed_again() -> None:
    step = plan(snapshot(deploy(2), job(1, name="shop-1-3", commit="c", ref=MAIN)), "new")

    assert isinstance(step, Change)
    (found,) = step.deploys
    assert (found.number, found.attempt, found.uid, found.commit) == (1, 3, "uid-1", "c")
    assert (found.state, found.stream) == (State.STARTING, MAIN)


def test_nothing_starts_while_a_pod_outlives_its_job() -> None:
    step = plan(snapshot(deploy(2), job(1, gone=True, live_pods=1)), "new")

    assert isinstance(step, Wait)
    assert step.trouble


def test_a_start_whose_job_was_not_seen_is_claimed() -> None:
    starting = replace(deploy(1, State.STARTING), uid="")

    assert plan(snapshot(starting), "new") == ReserveName(starting)


def test_a_start_whose_job_is_seen_adopts_it() -> None:
    starting = replace(deploy(1, State.STARTING), uid="")
    step = plan(snapshot(starting, job(1, uid="seen")), "new")

    assert isinstance(step, Change)
    assert step.deploys[0].uid == "seen"


def test_a_job_of_that_name_with_another_token_is_not_adopted() -> None:
    starting = replace(deploy(1, State.STARTING), uid="")
    step = plan(snapshot(starting, job(1, uid="other", token="other")), "new")

    assert isinstance(step, Delete)
    assert step.job.uid == "other"


def test_running_is_reported_when_a_pod_has_started() -> None:
    step = plan(snapshot(deploy(1, State.STARTING), job(1, started=True)), "new")

    assert isinstance(step, Change)
    assert (step.deploys[0].state, step.deploys[0].started_at) == (State.RUNNING, NOW)


def test_a_newer_push_of_the_stream_stops_what_runs() -> None:
    step = plan(snapshot(deploy(1, State.RUNNING), deploy(2), job(1)), "new")

    assert isinstance(step, Stop)
    stopped, newer = step.deploys
    assert (stopped.state, stopped.superseded_by) == (State.STOPPING, 2)
    assert newer.supersedes == 1


@pytest.mark.parametrize(
    ("newer", "more"),
    [
        (deploy(2, stream="refs/heads/other"), {}),
        (deploy(2, reason=Reason.REDEPLOY), {}),
        (deploy(2), {"policies": {"on_new_push": "wait"}}),
        (deploy(2), {"policies": {"max_supersedes": 0}}),
    ],
    ids=["other stream", "redeploy", "policy wait", "stopped often enough"],
)
def test_what_runs_is_left_to_finish(newer: Deploy, more: dict[str, Any]) -> None:
    step = plan(snapshot(deploy(1, State.RUNNING), newer, job(1), **more), "new")

    assert isinstance(step, Wait)


def test_what_is_stopping_is_waited_for() -> None:
    stopping = deploy(1, State.STOPPING, superseded_by=2, delete_sent_at=NOW)

    step = plan(snapshot(stopping, deploy(2), job(1, deleting=True)), "new")

    assert isinstance(step, Wait)
    assert step.due_at == NOW + DELETE_AGAIN


def test_a_stop_that_got_lost_is_sent_again() -> None:
    stopping = deploy(1, State.STOPPING, superseded_by=2, delete_sent_at=NOW - DELETE_AGAIN)

    assert isinstance(plan(snapshot(stopping, deploy(2), job(1)), "new"), Stop)


def test_after_a_stop_pods_are_looked_for_before_the_next_starts() -> None:
    stopping = deploy(1, State.STOPPING, superseded_by=2, stopping_at=NOW)
    seen = snapshot(stopping, deploy(2), job(1, gone=True))

    assert plan(seen, "new") == ListPods(stopping)
    left = plan(seen, "new", live_pods=1)
    assert isinstance(left, Wait)
    assert "Pods" in left.trouble
    over = plan(seen, "new", live_pods=0)
    assert isinstance(over, Change)
    assert over.deploys[0].state is State.SUPERSEDED


def test_a_job_that_vanished_runs_again() -> None:
    seen = snapshot(deploy(1, State.RUNNING), job(1, gone=True))

    assert plan(seen, "new") == ListPods(seen.deploys[0])
    step = plan(seen, "new", live_pods=0)
    assert isinstance(step, Change)
    assert (step.deploys[0].state, step.deploys[0].troubles) == (State.PENDING, 1)


@pytest.mark.parametrize(
    "parts",
    [(deploy(1, State.RUNNING, troubles=2),), (deploy(1, State.RUNNING), deploy(2))],
    ids=["tried often enough", "something newer waits"],
)
def test_a_job_that_vanished_is_lost_for_good_when(parts: tuple[Deploy, ...]) -> None:
    step = plan(snapshot(*parts, job(1, gone=True)), "new", live_pods=0)

    assert isinstance(step, Change)
    assert step.deploys[0].state is State.LOST


def test_a_pod_that_the_cluster_took_away_runs_again() -> None:
    observed = job(
        1,
        outcome="failed",
        cause=CauseKind.EVICTED,
        why="the cluster took its Pod away",
        retry=True,
    )

    seen = snapshot(deploy(1, State.RUNNING), observed)

    step = plan(seen, "new")

    assert isinstance(step, DiagnoseFailure)
    again = after_failure(seen, step.deploy, observed)
    assert (again.state, again.why, again.cause) == (State.PENDING, observed.why, observed.cause)


def test_success_counts_even_if_the_job_is_gone_when_it_is_heard_of() -> None:
    step = plan(snapshot(deploy(1, State.RUNNING), job(1, outcome="succeeded", gone=True)), "new")

    assert isinstance(step, Change)
    assert step.deploys[0].state is State.SUCCEEDED


def test_a_failure_is_recorded_with_its_reason() -> None:
    why = "container deploy exited with 3"
    observed = job(1, outcome="failed", cause=CauseKind.SCRIPT, why=why, exit_code=3)
    seen = snapshot(deploy(1, State.RUNNING), observed)

    step = plan(seen, "new")

    assert isinstance(step, DiagnoseFailure)
    over = after_failure(seen, step.deploy, observed)
    assert (over.state, over.why, over.exit_code) == (State.FAILED, why, 3)
    assert over.cause is CauseKind.SCRIPT


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.SUPERSEDED, State.CANCELLED, State.LOST])
def test_the_job_of_a_deploy_that_is_over_is_deleted(state: State) -> None:
    step = plan(snapshot(deploy(1, state), job(1, outcome="succeeded")), "new")

    assert isinstance(step, Delete)


def test_failed_jobs_are_kept_but_not_more_than_asked_for() -> None:
    failed = [deploy(n, State.FAILED, ended_at=NOW) for n in (1, 2, 3)]
    jobs = [job(n, outcome="failed") for n in (1, 2, 3)]

    assert isinstance(plan(snapshot(*failed, *jobs), "new"), Wait)
    step = plan(snapshot(*failed, *jobs, policies={"keep_failed": 2}), "new")
    assert isinstance(step, Delete)
    assert step.job.number == 1


def test_failed_jobs_are_kept_only_so_long_and_the_time_makes_the_target_due() -> None:
    failed = deploy(1, State.FAILED, ended_at=NOW)
    seen = snapshot(failed, job(1, outcome="failed"), policies={"keep_failed_for": 60})

    assert plan(seen, "new") == Wait(due_at=NOW + 60_000)
    assert isinstance(plan(replaced(seen, now=NOW + 60_000), "new"), Delete)


def test_a_success_clears_earlier_failures_away() -> None:
    failed = deploy(1, State.FAILED, ended_at=NOW)

    cleared = plan(snapshot(failed, job(1, outcome="failed"), succeeded=2), "new")
    kept = plan(snapshot(failed, job(1, outcome="failed"), succeeded=0), "new")

    assert isinstance(cleared, Delete)
    assert isinstance(kept, Wait)


def test_a_stray_job_of_an_earlier_attempt_is_deleted_on_sight() -> None:
    running = replace(deploy(1, State.RUNNING), attempt=2, job="shop-1-2", uid="second", token="u")
    orphan = job(1, uid="first")

    step = plan(snapshot(running, orphan, job(1, name="shop-1-2", uid="second", token="u")), "new")

    assert isinstance(step, Delete)
    assert (step.job.uid, step.repair) == ("first", Kind.ORPHANED_JOB)


def test_a_reservation_keeps_its_name_for_a_while_and_then_goes() -> None:
    reservation = job(1, reserves_name=True, token="", created_at=NOW)
    waiting = deploy(1, attempt=1)

    assert isinstance(plan(snapshot(waiting, reservation), "new", live_pods=0), Create)
    later = snapshot(waiting, reservation, now=NOW + RESERVATION_AGE)
    assert isinstance(plan(later, "new"), Delete)


def test_a_start_that_came_to_nothing_gives_way_to_a_newer_push() -> None:
    step = plan(snapshot(deploy(1, attempt=1), deploy(2)), "new")

    assert isinstance(step, Change)
    assert (step.deploys[0].number, step.deploys[0].state) == (1, State.SUPERSEDED)


def test_branches_take_turns_in_the_order_of_their_arrival() -> None:
    step = plan(snapshot(deploy(1, stream="refs/heads/a"), deploy(2)), "new", 0)

    assert isinstance(step, Create)
    assert step.deploy.number == 1
