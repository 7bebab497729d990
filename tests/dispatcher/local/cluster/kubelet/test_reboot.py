from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dispatcher.local.cluster.kubelet.reboot import is_over, status_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CREATING = {"waiting": {"reason": "ContainerCreating"}}
NO_VOLUME = {"waiting": {"reason": "ContainerCreating", "message": 'secret "s" not found'}}
NO_SECRET = {"waiting": {"reason": "CreateContainerConfigError", "message": "…"}}
CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}
RUNNING = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}
ENDED = {"terminated": {"exitCode": 0, "reason": "Completed"}}


def a_pod(*states: dict[str, Any], phase: str = "Pending", **metadata: Any) -> dict[str, Any]:
    statuses = [{"name": f"c{n}", "state": state} for n, state in enumerate(states)]
    status = {"phase": phase, "containerStatuses": statuses}
    return {"metadata": {"name": "x", **metadata}, "status": status}


@pytest.mark.parametrize(
    ("pod", "over"),
    [
        (a_pod(), False),
        (a_pod(NO_VOLUME), False),
        (a_pod(NO_SECRET), False),
        (a_pod(CREATING), True),
        (a_pod(NO_SECRET, RUNNING), True),
        (a_pod(ENDED, phase="Succeeded"), True),
        (a_pod(NO_SECRET, deletionTimestamp="2026-01-02T03:04:05Z"), True),
    ],
)
def test_only_what_can_not_have_run_is_started(pod: dict[str, Any], over: bool) -> None:
    assert is_over(pod) is over


def test_a_container_between_two_attempts_has_run() -> None:
    pod = a_pod(CRASHING, phase="Running")
    pod["status"]["containerStatuses"][0]["lastState"] = ENDED
    assert is_over(pod)


def test_what_is_known_of_a_container_stays_known() -> None:
    after = status_after(a_pod(ENDED, RUNNING, phase="Running"), NOW)
    first, second = after["containerStatuses"]
    assert after["phase"] == "Failed"
    assert first["state"] == ENDED
    assert second["state"]["terminated"]["exitCode"] == 137
    assert not second["ready"]


def test_what_had_ended_stays_as_it_was() -> None:
    pod = a_pod(ENDED, phase="Succeeded")
    assert status_after(pod, NOW) == pod["status"]
