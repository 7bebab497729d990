"""What a look at the ledger and the cluster calls wrong, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind
from dispatcher.domain.row import Row
from workers.plan.times import RESERVATION_AGE
from workers.watch.needed_repairs import of_jobs, of_rows

NOW = 1_000_000
GRACE = 3_000


def row(**more: Any) -> Row:
    usual: dict[str, Any] = {"open": True, "leased_until": 0, "woken": False, "due": NOW + 60_000}
    return Row(target="shop", **usual | more)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, row()),
        (None, row(open=False, due=None)),
        (None, row(due=NOW - 1)),  # its time has come: a sweep is on its way
        (None, row(leased_until=NOW + 1, due=NOW - 1)),  # a worker is at it
        (None, row(woken=True, due=NOW - 1)),  # a moment ago
        (Kind.EXPIRED_LEASE, row(leased_until=NOW - 1, due=NOW - 1)),
        (Kind.UNTAKEN_WAKE_UP, row(woken=True, due=NOW - GRACE)),
        (Kind.FORGOTTEN_TARGET, row(due=None)),
    ],
)
def test_a_target_that_would_be_left_lying(found: Kind | None, state: Row) -> None:
    assert [repair.kind for repair in of_rows([state], NOW, GRACE)] == ([found] if found else [])


def deploy(**more: Any) -> Deploy:
    usual: dict[str, Any] = {
        "number": 7,
        "state": State.RUNNING,
        "attempt": 1,
        "token": "t",
        "namespace": "ns",
        "job": "shop-7",
        "uid": "u",
    }
    return Deploy(target="shop", stream="s", ref="r", commit="c", **usual | more)


def job(**more: Any) -> ObservedJob:
    usual: dict[str, Any] = {"number": 7, "token": "t", "uid": "u", "created_at": NOW}
    return ObservedJob(namespace="ns", job="shop-7", **usual | more)


@pytest.mark.parametrize(
    ("found", "deploys", "known", "there"),
    [
        (None, [deploy()], [job()], [job()]),
        (None, [deploy()], [job(gone=True)], []),  # known to be gone: a worker is about to act
        (None, [deploy(state=State.FAILED)], [job(outcome="failed")], [job(outcome="failed")]),
        (None, [deploy(uid="", state=State.STARTING)], [], []),  # nobody knows yet
        (Kind.VANISHED_JOB, [deploy()], [job()], []),
        (Kind.VANISHED_JOB, [deploy()], [], []),
        (Kind.UNKNOWN_JOB, [], [], [job()]),
        (Kind.MISSED_END, [deploy()], [job()], [job(outcome="failed")]),
        (Kind.ORPHANED_JOB, [deploy(uid="other")], [job(uid="other")], [job(), job(uid="other")]),
        (None, [deploy(uid="", token="", state=State.PENDING, troubles=1)], [job()], [job()]),
        (None, [], [], [job(reserves_name=True)]),
        (
            Kind.NAME_RESERVATION,
            [],
            [],
            [job(reserves_name=True, created_at=NOW - RESERVATION_AGE)],
        ),
    ],
)
def test_a_job_that_is_not_as_it_should_be(
    found: Kind | None, deploys: list[Deploy], known: list[ObservedJob], there: list[ObservedJob]
) -> None:
    repairs = list(of_jobs("shop", deploys, known, there, NOW))

    assert [repair.kind for repair in repairs] == ([found] if found else [])
    assert all(repair.target == "shop" and "shop-7" in repair.what for repair in repairs)
