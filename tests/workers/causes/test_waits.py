"""Why a Pod does not start, as its kubelet and the scheduler report it."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.cause import CauseKind
from tests.workers.causes.states import end, ended, pod, running, starting, unlocated, waiting

INITIALIZING = waiting("PodInitializing")
IMAGE, CONFIG = CauseKind.IMAGE, CauseKind.CONFIG


@pytest.mark.parametrize("where", ["clone", "deploy"])
@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("ErrImagePull", IMAGE),
        ("ImagePullBackOff", IMAGE),
        ("InvalidImageName", IMAGE),
        ("ErrImageNeverPull", IMAGE),
        ("ImageInspectError", IMAGE),
        ("RegistryUnavailable", IMAGE),
        ("SignatureValidationFailed", IMAGE),
        ("CreateContainerConfigError", CONFIG),
        ("CreateContainerError", CONFIG),
        ("RunContainerError", CONFIG),
        ("PostStartHookError", CONFIG),
        ("SomethingNew", CauseKind.UNKNOWN),
    ],
)
def test_a_container_that_cannot_start_is_no_start(
    where: str, reason: str, kind: CauseKind
) -> None:
    states = {"clone": ended(0), "deploy": INITIALIZING} | {where: waiting(reason, "no such thing")}
    found = starting(
        pod("Pending", init={"clone": states["clone"]}, containers={"deploy": states["deploy"]})
    )

    assert (found.started, found.cause) == (False, kind)
    assert found.why == f"container {where} waits: {reason}: no such thing"


@pytest.mark.parametrize("reason", ["PodInitializing", "ContainerCreating", ""])
def test_what_every_pod_goes_through_is_no_cause(reason: str) -> None:
    found = starting(pod("Pending", containers={"deploy": waiting(reason)}))

    assert (found.started, found.cause, found.why) == (False, None, "")


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (
            {"reason": "Unschedulable", "message": "0/3 nodes are available"},
            "no node takes its Pod: 0/3 nodes are available",
        ),
        ({"reason": "SchedulingGated"}, "no node takes its Pod: SchedulingGated"),
    ],
)
def test_the_scheduler_says_why_no_node_takes_it(condition: dict[str, str], why: str) -> None:
    conditions = [{"type": "PodScheduled", "status": "False", **condition}]

    found = starting(pod("Pending", init={}, conditions=conditions))

    assert (found.cause, found.why) == (CauseKind.SCHEDULING, why)


@pytest.mark.parametrize(
    ("init", "main", "started"),
    [
        (running(), INITIALIZING, False),
        (ended(1), INITIALIZING, False),
        (unlocated(ran=True), INITIALIZING, False),
        (ended(0), waiting("ContainerCreating"), False),
        (ended(0), waiting("CrashLoopBackOff", last=end(128, reason="StartError")), False),
        (ended(0), ended(128, reason="StartError"), False),
        (ended(0), ended(127, reason="ContainerCannotRun"), False),
        (ended(0), unlocated(), False),
        (ended(0), unlocated(ran=True), True),
        (ended(0), running(), True),
        (ended(0), ended(0), True),
        (ended(0), ended(3), True),
        (ended(0), waiting("CrashLoopBackOff", last=end(3)), True),
    ],
)
def test_a_deploy_has_started_when_a_main_container_runs_or_has_run(
    init: Any, main: Any, started: bool
) -> None:
    assert (
        starting(pod("Pending", init={"clone": init}, containers={"deploy": main})).started
        is started
    )


def test_a_sidecar_is_no_start_and_no_preparation_but_can_keep_a_pod_from_starting() -> None:
    main = {"deploy": INITIALIZING}

    runs = starting(pod("Pending", sidecars={"proxy": running()}, containers=main))
    waits = starting(
        pod("Pending", sidecars={"proxy": waiting("ErrImagePull", "denied")}, containers=main)
    )

    assert (runs.started, runs.preparing, runs.cause) == (False, False, None)
    assert waits.why == "container proxy waits: ErrImagePull: denied"


def test_a_container_that_starts_again_says_how_it_ended_before() -> None:
    crashing = waiting("CrashLoopBackOff", "back-off 10s restarting failed container", end(3))

    found = starting(pod("Running", containers={"deploy": crashing}))

    assert found.cause is CauseKind.SCRIPT
    assert found.why.endswith("restarting failed container; container deploy exited with 3")


def test_how_long_the_clone_takes_is_told_by_its_nodes_clock() -> None:
    cloning = starting(
        pod("Pending", init={"clone": running()}, containers={"deploy": INITIALIZING})
    )
    cloned = starting(
        pod("Pending", init={"clone": ended(0, 61)}, containers={"deploy": INITIALIZING})
    )
    prepares = starting(
        pod("Pending", init={"clone": ended(0, 61), "migrate": running()}, containers={})
    )

    assert (cloning.cloning, cloning.preparing, cloning.prepared) == (True, True, 0)
    assert (cloned.cloning, cloned.preparing, cloned.prepared) == (False, False, 60_000)
    assert (prepares.cloning, prepares.preparing, prepares.prepared) == (False, True, 60_000)


def test_when_a_pod_was_made_counts_where_another_had_failed() -> None:
    fresh = pod("Pending", name="shop-1-2", born=20, init={"clone": INITIALIZING})
    failed = pod("Failed", name="shop-1-1", init={"clone": ended(128, 9)})
    ended_well = pod("Succeeded", name="shop-1-1")

    retry, no_retry = starting(fresh, failed), starting(fresh, ended_well)

    born = fresh.metadata.creation_timestamp
    assert born
    assert retry.retried_at == int(born.timestamp() * 1000)
    assert (no_retry.retried_at, starting(failed).retried_at) == (0, 0)
