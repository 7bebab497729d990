"""How long the phases of a deploy took, by what is recorded of it."""

from __future__ import annotations

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, State
from dispatcher.metrics.deploys import PhaseMetrics, phases
from dispatcher.metrics.registry import Registry
from tests.dispatcher.metrics.scrapes import Scrape

ASKED = Deploy(
    target="shop",
    number=1,
    state=State.PENDING,
    stream="s",
    ref="refs/heads/main",
    commit="c",
    created_at=1_000,
    wanted_at=2_000,
)
STARTING = replace(ASKED, state=State.STARTING, attempt=1, starting_at=5_000, namespace="deploys")
RUNNING = replace(STARTING, state=State.RUNNING, started_at=9_000)
SUCCEEDED = replace(RUNNING, state=State.SUCCEEDED, ended_at=20_000)


def test_each_phase_ends_once() -> None:
    assert list(phases(STARTING, State.PENDING)) == [("waiting", 3_000)]
    assert list(phases(RUNNING, State.STARTING)) == [("starting", 4_000)]
    assert list(phases(SUCCEEDED, State.RUNNING)) == [("running", 11_000)]


def test_one_whose_start_was_seen_with_its_end_has_both() -> None:
    assert list(phases(SUCCEEDED, State.STARTING)) == [("starting", 4_000), ("running", 11_000)]


def test_a_start_that_nobody_saw_says_nothing_of_how_long_it_took() -> None:
    unseen = replace(SUCCEEDED, started_at=STARTING.starting_at)

    assert [phase for phase, _ in phases(unseen, State.STARTING)] == ["running"]


def test_a_stop_is_no_start() -> None:
    stopping = replace(RUNNING, state=State.STOPPING)
    superseded = replace(stopping, state=State.SUPERSEDED, ended_at=10_000)

    assert list(phases(stopping, State.RUNNING)) == []
    assert list(phases(superseded, State.STOPPING)) == [("running", 1_000)]


def test_one_that_is_tried_again_has_waited_once() -> None:
    again = replace(STARTING, attempt=2, starting_at=60_000)

    assert list(phases(again, State.PENDING)) == []


def test_one_that_never_started_has_no_phase() -> None:
    superseded = replace(ASKED, state=State.SUPERSEDED, ended_at=9_000)

    assert list(phases(superseded, State.PENDING)) == []


def test_they_are_observed_in_seconds_by_namespace() -> None:
    registry = Registry("worker")
    PhaseMetrics(registry).recorded(RUNNING, State.STARTING)

    found = Scrape.of(registry)

    labels = {"phase": "starting", "namespace": "deploys"}
    assert found.value("deploy_phase_duration_seconds_sum", **labels) == 4
