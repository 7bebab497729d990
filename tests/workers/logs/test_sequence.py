"""Which log comes next: containers in their order, Pods in theirs, from any position on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.domain.log import LogEnd, LogPosition
from workers.kube.objects import (
    ContainerSpec,
    ContainerState,
    ContainerStatus,
    Metadata,
    Pod,
    PodSpec,
    PodStatus,
    Terminated,
    Waiting,
)
from workers.logs.sequence import DEFAULT_CONTAINER, Over, Read, Wait, next_step

STATES = {
    "waits": ContainerState(waiting=Waiting("PodInitializing")),
    "runs": ContainerState(running={}),
    "done": ContainerState(terminated=Terminated(0)),
    "failed": ContainerState(terminated=Terminated(1)),
}


def pod(
    name: str = "p1",
    phase: str = "Running",
    policy: str = "Never",
    minute: int = 0,
    main: str = "",
    **states: str,
) -> Pod:
    """With the init containers clone and proxy (a sidecar), and the containers work and other."""
    statuses = {each: ContainerStatus(each, STATES[state]) for each, state in states.items()}
    return Pod(
        Metadata(
            name=name,
            creation_timestamp=datetime(2025, 1, 1, 0, minute, tzinfo=UTC),
            annotations={DEFAULT_CONTAINER: main} if main else {},
        ),
        PodStatus(
            phase=phase,
            init_container_statuses=tuple(
                v for k, v in statuses.items() if k in ("clone", "proxy")
            ),
            container_statuses=tuple(v for k, v in statuses.items() if k in ("work", "other")),
        ),
        PodSpec(
            restart_policy=policy,
            init_containers=(ContainerSpec("clone"), ContainerSpec("proxy", "Always")),
            containers=(ContainerSpec("work"), ContainerSpec("other")),
        ),
    )


def at(of: Pod, container: str, *, done: bool = False) -> LogPosition:
    created = of.metadata.creation_timestamp
    assert created
    return LogPosition(
        created_at=int(created.timestamp() * 1000),
        pod=of.metadata.name,
        container=container,
        done=done,
    )


def step(
    *pods: Pod,
    container: str = "",
    position: LogPosition | None = None,
    has_ended: bool = False,
    is_whole: bool = False,
) -> tuple[str, ...]:
    found = next_step(
        pods, container, position or LogPosition(), has_ended=has_ended, is_whole=is_whole
    )
    match found:
        case Read(of, name, is_final):
            return (of.metadata.name, name, "final" if is_final else "follow")
        case Wait(why):
            return ("wait", why)
        case Over(end):
            return ("over", end)


def test_the_clone_comes_first_and_then_the_main_container() -> None:
    cloning = pod(clone="runs", work="waits")
    works = pod(clone="done", proxy="runs", work="runs", other="runs")

    assert step(cloning) == ("p1", "clone", "follow")
    assert step(works) == ("p1", "clone", "final")
    assert step(works, position=at(works, "clone")) == ("p1", "clone", "final")
    assert step(works, position=at(works, "clone", done=True)) == ("p1", "work", "follow")


def test_another_is_the_main_container_where_the_pod_says_so() -> None:
    works = pod(main="other", clone="done", work="runs", other="runs")

    assert step(works, position=at(works, "clone", done=True)) == ("p1", "other", "follow")


@pytest.mark.parametrize("name", ["clone", "proxy", "work", "other"])
def test_each_container_can_be_chosen(name: str) -> None:
    works = pod(clone="done", proxy="runs", work="runs", other="runs")

    assert step(works, container=name)[:2] == ("p1", name)


def test_one_that_is_not_there_is_refused() -> None:
    found = next_step([pod()], "nope", LogPosition(), has_ended=False, is_whole=False)

    assert isinstance(found, Over)
    assert (found.end, found.why) == (
        LogEnd.NO_CONTAINER,
        "there is no container 'nope': choose clone, proxy, work, other",
    )


def test_what_does_not_run_yet_is_waited_for() -> None:
    assert step() == ("wait", "its Pod")
    assert step(pod(clone="waits")) == ("wait", "container clone of p1: PodInitializing")
    assert step(pod()) == ("wait", "container clone of p1")


def test_what_never_ran_in_a_pod_that_has_ended_is_left_out() -> None:
    failed = pod(phase="Failed", clone="failed", work="waits")

    assert step(failed, has_ended=True) == ("p1", "clone", "final")
    assert step(failed, position=at(failed, "clone", done=True), has_ended=True) == (
        "over",
        "complete",
    )


def test_a_retry_comes_after_the_pod_that_failed() -> None:
    first, second = (
        pod(phase="Failed", clone="done", work="failed"),
        pod("p0", minute=1, clone="runs"),
    )

    after = at(first, "work", done=True)
    assert step(first, position=after) == ("wait", "the end of the deploy")
    assert step(second, first, position=after) == ("p0", "clone", "follow")
    assert step(second, position=after) == ("p0", "clone", "follow")


@pytest.mark.parametrize(
    ("policy", "state", "final"),
    [
        ("Never", "failed", "final"),
        ("OnFailure", "failed", "follow"),
        ("OnFailure", "done", "final"),
        ("Always", "done", "follow"),
    ],
)
def test_a_container_that_is_started_again_goes_on(policy: str, state: str, final: str) -> None:
    assert step(pod(policy=policy, clone=state)) == ("p1", "clone", final)


def test_the_end_says_whether_all_was_read() -> None:
    gone = at(pod(), "work")

    assert step(has_ended=True) == ("over", "gone")
    assert step(has_ended=True, position=gone) == ("over", "partial")
    assert step(has_ended=True, position=gone, is_whole=True) == ("over", "complete")
    assert step(has_ended=True, position=at(pod(), "work", done=True)) == ("over", "complete")
