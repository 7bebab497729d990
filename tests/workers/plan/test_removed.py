"""What becomes of a target that is no longer configured, and who waits for a concurrency slot: by example."""

from __future__ import annotations

from dataclasses import replace as replaced

import pytest
from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.snapshot import Snapshot
from tests.workers.plan.test_plan import NOW, deploy, job, snapshot
from workers.plan import plan
from workers.plan.removed_target import REMOVED, UNPUBLISHED_GRACE
from workers.plan.steps import Change, ClaimSlot, Create, Delete, Stop, Wait
from workers.plan.times import SHORTEST_WAIT


def removed(*parts: Deploy | ObservedJob, at: int = NOW, **policies: object) -> Snapshot:
    seen = snapshot(*parts, policies=policies)
    assert seen.spec is not None
    return replaced(seen, spec=replace(seen.spec, removed_at=at, removal_grace=UNPUBLISHED_GRACE))


def test_what_waits_is_cancelled_with_the_reason() -> None:
    step = plan(
        removed(deploy(1, wanted_at=NOW - UNPUBLISHED_GRACE), at=NOW - UNPUBLISHED_GRACE), "t"
    )

    assert isinstance(step, Change)
    assert (step.deploys[0].state, step.deploys[0].why) == (State.CANCELLED, REMOVED)


def test_a_push_after_the_removal_waits_a_while_should_the_watcher_lag_behind() -> None:
    seen = removed(deploy(1, wanted_at=NOW), at=NOW - 5)

    step = plan(seen, "t", 0)

    assert isinstance(step, Wait)
    assert step.trouble == REMOVED
    later = plan(replaced(seen, now=NOW + UNPUBLISHED_GRACE), "t", 0)
    assert isinstance(later, Change)
    assert later.deploys[0].state is State.CANCELLED


def test_a_target_that_no_watcher_knows_is_given_up_once_others_are_known() -> None:
    seen = replaced(snapshot(deploy(1, wanted_at=NOW - UNPUBLISHED_GRACE)), spec=None)

    assert isinstance(plan(seen, "t", 0), Wait)
    assert isinstance(plan(replaced(seen, published=True), "t", 0), Change)


def test_what_runs_finishes_unless_the_target_says_stop() -> None:
    parts = deploy(1, State.RUNNING), job(1, started=True, live_pods=1)

    assert isinstance(plan(removed(*parts), "t"), Wait)

    assert isinstance(plan(removed(*parts, on_removed="stop"), "t"), Wait)
    step = plan(removed(*parts, on_removed="stop", at=NOW - UNPUBLISHED_GRACE), "t")
    assert isinstance(step, Stop)
    assert (step.deploys[0].cancelled_by, step.deploys[0].why) == ("the configuration", REMOVED)


@pytest.mark.parametrize(("limited", "has_slot", "kind"), [(1, 0, ClaimSlot), (1, 1, Create)])
def test_a_deploy_claims_a_slot_before_it_starts(
    limited: int, has_slot: int, kind: type[object]
) -> None:
    seen = replaced(snapshot(deploy(1)), limited=bool(limited), has_slot=bool(has_slot))

    assert isinstance(plan(seen, "t", 0), kind)


def test_who_has_no_slot_waits_and_says_why() -> None:
    seen = replaced(snapshot(deploy(1)), limited=True, no_slot="waits for a concurrency slot: …")

    step = plan(seen, "t", 0)

    assert isinstance(step, Wait)
    assert step.trouble == "waits for a concurrency slot: …"
    assert step.due_at is not None
    assert step.due_at >= NOW + SHORTEST_WAIT


def test_a_job_that_runs_late_and_that_nobody_knows_goes_if_something_newer_was_started() -> None:
    late = job(1, uid="late", token="x")
    seen = replaced(snapshot(late, deploy(3, State.SUCCEEDED)), attempted=3)

    step = plan(seen, "t")

    assert isinstance(step, Delete)
    assert step.job == late
    ended = plan(replaced(seen, jobs=(replace(late, outcome="failed"),)), "t")
    assert isinstance(ended, Change)  # one that has failed is kept, as any
