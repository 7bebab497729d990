"""What is done about a deploy that does not start yet: by example."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from tests.workers.plan.test_plan import NOW, deploy, job, snapshot
from workers.causes.cause import Cause
from workers.plan import plan
from workers.plan.active_deploy import after_failure, explained_by_events
from workers.plan.changed_deploy import attempted
from workers.plan.steps import Change, ReadEvents, Stop, Wait
from workers.plan.times import PULL_GRACE, START_GRACE

MINUTE = 60_000
START, CLONE = 15 * MINUTE, 30 * MINUTE
NO_IMAGE: dict[str, Any] = {
    "cause": CauseKind.IMAGE,
    "why": "container deploy waits: ErrImagePull",
    "retry": True,
}
QUOTA = Cause(CauseKind.QUOTA, "no Pod can be made: FailedCreate: exceeded quota", retry=True)


def starting(since: int, **more: Any) -> Deploy:
    """One that starts since so many milliseconds."""
    return deploy(1, State.STARTING, starting_at=NOW - since, **more)


def changed(*parts: Deploy | ObservedJob, **more: Any) -> Deploy:
    step = plan(snapshot(*parts, **more), "new")
    assert isinstance(step, Change), step
    return step.deploys[0]


def test_another_attempt_has_not_started_because_the_one_before_had() -> None:
    taken_away = deploy(
        1, State.PENDING, attempt=1, starting_at=NOW - MINUTE, started_at=NOW - MINUTE
    )

    again = attempted(taken_away, "new", "default")

    assert (again.attempt, again.started_at) == (2, 0)


def test_a_clone_is_no_start() -> None:
    cloning = job(1, cloning=True, preparing=True, pod="x")

    seen = changed(starting(1000), cloning)

    assert (seen.state, seen.cloning_at) == (State.STARTING, NOW)
    assert isinstance(plan(snapshot(seen, cloning), "new"), Wait)


def test_a_clone_may_take_as_long_as_clone_timeout_and_no_longer() -> None:
    cloning = job(1, cloning=True, preparing=True, pod="x")
    long, too_long = (starting(2 * CLONE, cloning_at=NOW - since) for since in (CLONE - 1, CLONE))

    assert isinstance(plan(snapshot(long, cloning), "new"), Wait)
    again = changed(too_long, cloning)

    assert (again.state, again.cause) == (State.PENDING, CauseKind.CLONE)
    assert again.why == "container clone did not finish within 1800 s (clone_timeout: 30m)"


def test_other_init_containers_are_bounded_by_their_pods_deadline_alone() -> None:
    migrates = job(1, preparing=True, pod="x")

    assert isinstance(plan(snapshot(starting(2 * CLONE, cloning_at=1), migrates), "new"), Wait)


def test_what_the_clone_took_is_not_counted_against_the_start() -> None:
    waits = job(1, prepared=10 * MINUTE, pod="x", **NO_IMAGE)
    why = NO_IMAGE["why"]

    known = starting(START + 9 * MINUTE, cause=CauseKind.IMAGE, why=why)
    assert isinstance(plan(snapshot(known, waits), "new"), Wait)
    again = changed(starting(START + 10 * MINUTE), waits)

    assert (again.state, again.cause) == (State.PENDING, CauseKind.IMAGE)
    assert again.why == f"it did not start within 900 s (start_timeout: 15m): {why}"


def test_why_it_does_not_start_is_said_at_once_and_is_trouble_after_a_grace() -> None:
    waits = job(1, pod="x", **NO_IMAGE)

    said = changed(starting(1000), waits)
    early = plan(snapshot(said, waits), "new")
    late = plan(snapshot(replace(said, starting_at=NOW - START_GRACE), waits), "new")

    assert (said.state, said.cause, said.why) == (State.STARTING, CauseKind.IMAGE, waits.why)
    assert isinstance(early, Wait)
    assert isinstance(late, Wait)
    assert (early.trouble, late.trouble) == ("", waits.why)
    assert early.due_at == said.starting_at + START_GRACE


def test_a_clone_that_failed_is_its_jobs_to_try_again() -> None:
    why = "container clone exited with 1"
    observed = job(1, cause=CauseKind.CLONE, why=why, pod="x")

    waits = plan(snapshot(starting(2 * START, cause=CauseKind.CLONE, why=why), observed), "new")

    assert isinstance(waits, Wait)
    assert waits.trouble == why


def test_what_a_newer_commit_stops_has_no_cause() -> None:
    waited = starting(MINUTE, cause=CauseKind.IMAGE, why=NO_IMAGE["why"])

    step = plan(snapshot(waited, deploy(2), job(1, **NO_IMAGE)), "new")

    assert isinstance(step, Stop)
    assert (step.deploys[0].cause, step.deploys[0].superseded_by) == (None, 2)


def test_a_cause_that_has_passed_is_said_no_more() -> None:
    passed = changed(starting(1000, cause=CauseKind.IMAGE, why="it waits"), job(1, pod="x"))
    runs = changed(starting(1000, cause=CauseKind.IMAGE, why="it waits"), job(1, started=True))

    assert (passed.state, passed.cause, passed.why) == (State.STARTING, None, "")
    assert (runs.state, runs.cause, runs.why) == (State.RUNNING, None, "")


def test_a_deploy_that_runs_says_what_a_retry_of_its_job_waits_for() -> None:
    step = plan(snapshot(deploy(1, State.RUNNING), job(1, started=True, **NO_IMAGE)), "new")

    assert isinstance(step, Wait)
    assert step.trouble == NO_IMAGE["why"]


@pytest.mark.parametrize(("observed", "after"), [({}, START_GRACE), ({"pod": "x"}, PULL_GRACE)])
def test_where_nothing_else_tells_events_are_read(observed: dict[str, str], after: int) -> None:
    early, late = (snapshot(starting(since), job(1, **observed)) for since in (after - 1, after))

    assert isinstance(plan(early, "new"), Wait)
    assert plan(late, "new") == ReadEvents(late.deploys[0], late.jobs[0])


@pytest.mark.parametrize("observed", [NO_IMAGE, {"preparing": True}, {"started": True}])
def test_where_something_tells_events_are_not_read(observed: dict[str, Any]) -> None:
    deploys = (starting(PULL_GRACE + since) for since in (0, MINUTE, START - PULL_GRACE - 1))

    steps = [plan(snapshot(each, job(1, pod="x", **observed)), "new") for each in deploys]

    assert not any(isinstance(step, ReadEvents) for step in steps)


def test_what_events_say_stands_and_is_trouble() -> None:
    seen = snapshot(starting(START_GRACE), job(1))

    told = explained_by_events(seen, seen.deploys[0], QUOTA)
    step = plan(snapshot(told, job(1)), "new")

    assert isinstance(step, Wait)
    assert step.trouble == QUOTA.why
    assert (told.cause, told.events_read_at) == (CauseKind.QUOTA, NOW)


def test_what_a_pod_says_comes_before_what_events_said() -> None:
    told = starting(MINUTE, cause=QUOTA.kind, why=QUOTA.why, events_read_at=NOW - 1000)

    waits = changed(told, job(1, pod="x", **NO_IMAGE))

    assert (waits.why, waits.events_read_at) == (NO_IMAGE["why"], 0)


def test_events_are_read_ever_more_rarely_and_once_more_before_it_is_given_up() -> None:
    began, reads, now = NOW, [], NOW
    starts = deploy(1, State.STARTING, starting_at=began)

    while isinstance(step := plan(snapshot(starts, job(1), now=now), "new"), Wait | ReadEvents):
        if isinstance(step, ReadEvents):
            reads.append((now - began) // 1000)
            starts = explained_by_events(snapshot(starts, now=now), step.deploy, QUOTA)
        now += 1000

    assert reads == [10, 40, 80, 160, 320, 640, 900]
    assert isinstance(step, Change)
    assert step.deploys[0].why == f"it did not start within 900 s (start_timeout: 15m): {QUOTA.why}"


def test_what_is_given_up_keeps_its_cause() -> None:
    told = starting(START, cause=QUOTA.kind, why=QUOTA.why, events_read_at=NOW, troubles=2)

    step = plan(snapshot(told, job(1)), "new")
    assert isinstance(step, Stop)
    over = plan(snapshot(step.deploys[0], job(1, gone=True)), "new", live_pods=0)

    assert isinstance(over, Change)
    (failed,) = over.deploys
    assert (failed.state, failed.cause) == (State.FAILED, CauseKind.QUOTA)
    assert failed.why == f"it did not start within 900 s (start_timeout: 15m): {QUOTA.why}"


def test_a_retry_by_its_job_has_the_whole_time_to_start() -> None:
    """The Pod before it took an hour to fail."""
    first, late = (job(1, pod="x", retried_at=NOW - since) for since in (START - 1, START))
    began = starting(60 * MINUTE, events_read_at=NOW - 1)

    assert isinstance(plan(snapshot(began, first), "new"), Wait)
    assert changed(replace(began, events_read_at=NOW), late).cause is CauseKind.UNKNOWN


def test_a_retry_by_its_job_has_the_whole_time_to_clone() -> None:
    retries = job(1, pod="x", cloning=True, preparing=True, retried_at=NOW - MINUTE)
    before = starting(60 * MINUTE, cloning_at=NOW - CLONE)

    seen = changed(before, retries)

    assert (seen.state, seen.cloning_at) == (State.STARTING, NOW)
    assert isinstance(plan(snapshot(seen, retries), "new"), Wait)


def test_a_retry_that_is_told_of_by_a_clock_ahead_is_noted_once() -> None:
    ahead = job(1, pod="x", cloning=True, preparing=True, retried_at=NOW + MINUTE)

    seen = changed(starting(60 * MINUTE, cloning_at=1), ahead)

    assert isinstance(plan(snapshot(seen, ahead), "new"), Wait)


def test_events_of_a_retry_are_not_read_before_it_had_time() -> None:
    young, old = (job(1, pod="x", retried_at=NOW - since) for since in (PULL_GRACE - 1, PULL_GRACE))
    began = starting(60 * MINUTE)

    assert isinstance(plan(snapshot(began, young), "new"), Wait)
    assert isinstance(plan(snapshot(began, old), "new"), ReadEvents)


def test_where_nothing_at_all_tells_that_is_said() -> None:
    again = changed(starting(START, events_read_at=NOW), job(1))

    assert again.cause is CauseKind.UNKNOWN
    assert again.why.endswith("neither its Job, its Pod nor their events say why")


def test_a_time_out_of_what_never_started_says_what_it_waited_for() -> None:
    timeout = "timed out after 40 s (timeout: 40s)"
    observed = job(1, outcome="failed", cause=CauseKind.TIMEOUT, why=timeout)
    waited = starting(40_000, cause=CauseKind.IMAGE, why=NO_IMAGE["why"])

    over = after_failure(snapshot(waited, observed), waited, observed)
    ran = after_failure(snapshot(waited, observed), waited, replace(observed, started=True))

    assert (over.state, over.cause) == (State.FAILED, CauseKind.IMAGE)
    assert over.why == f"{timeout}: {NO_IMAGE['why']}"
    assert (ran.cause, ran.why) == (CauseKind.TIMEOUT, timeout)


@pytest.mark.parametrize("started", [True, False])
def test_only_what_ran_has_a_time_of_its_start(started: bool) -> None:
    observed = job(1, outcome="failed", cause=CauseKind.CLONE, why="it failed", started=started)
    starts = starting(1000)

    over = after_failure(snapshot(starts, observed), starts, observed)

    assert over.started_at == (starts.starting_at if started else 0)


def test_the_next_attempt_knows_nothing_of_the_last() -> None:
    tried = deploy(
        1,
        attempt=1,
        troubles=1,
        cause=CauseKind.IMAGE,
        why="it waits",
        events_read_at=1,
        cloning_at=1,
    )

    step = plan(snapshot(tried), "new", live_pods=0)

    again = getattr(step, "deploy")  # noqa: B009
    assert (again.cause, again.why, again.events_read_at, again.cloning_at) == (None, "", 0, 0)
