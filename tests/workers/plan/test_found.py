"""What becomes of Jobs that the ledger does not know, since it was emptied or rolled back: by example."""

from __future__ import annotations

from dataclasses import replace as replaced

from msgspec.structs import replace

from dispatcher.domain.deploy import State
from dispatcher.domain.repairs import Kind
from tests.workers.plan.test_plan import deploy, job, snapshot
from workers.plan import plan
from workers.plan.steps import Change

RUNS = job(1, commit="a" * 40, ref="refs/heads/main", started=True, live_pods=1)


def test_a_job_that_nobody_knows_is_followed_and_counted() -> None:
    step = plan(snapshot(RUNS), "t")

    assert isinstance(step, Change)
    (found,) = step.deploys
    assert (found.number, found.commit, found.uid) == (1, "a" * 40, "uid-1")
    assert step.repair is Kind.UNKNOWN_JOB


def test_a_push_that_was_given_the_number_of_a_job_gets_the_next_that_is_free() -> None:
    waiting = deploy(1, title="a fix")

    step = plan(replaced(snapshot(waiting, RUNS), seq=4), "t")

    assert isinstance(step, Change)
    found, moved = step.deploys
    assert (found.number, found.state, found.uid) == (1, State.STARTING, "uid-1")
    assert (moved.number, moved.state, moved.title) == (5, State.PENDING, "a fix")
    assert moved.note == "was number 1 until its Job was found"


def test_those_that_stand_behind_it_move_up_with_it() -> None:
    step = plan(
        replaced(snapshot(deploy(1, title="a fix"), deploy(2, title="b"), RUNS), seq=2), "t"
    )

    assert isinstance(step, Change)
    assert [(each.number, each.title) for each in step.deploys[1:]] == [(2, "a fix"), (3, "b")]


def test_a_push_whose_own_job_runs_already_does_not_run_twice() -> None:
    waiting = replace(deploy(1), commit="a" * 40)

    step = plan(snapshot(waiting, RUNS), "t")

    assert isinstance(step, Change)
    assert [(each.number, each.uid) for each in step.deploys] == [(1, "uid-1")]
