"""What the log says of a deploy: that it runs, how it ended, and why, where there is a why."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from tests.workers.plan.test_plan import deploy
from workers.recorder import record_deploy


def logged(state: State, **more: Any) -> dict[str, Any]:
    with capture_logs() as lines:
        record_deploy(deploy(1, state, **more))
    (line,) = lines
    return dict(line)


def test_one_that_runs_has_no_why() -> None:
    line = logged(State.RUNNING)

    assert line["event"] == "deploy running"
    assert {"why", "cause"} & line.keys() == set()


def test_one_that_failed_says_why_and_of_what_kind_that_is() -> None:
    line = logged(State.FAILED, why="container deploy exited with 3", cause=CauseKind.SCRIPT)

    assert (line["event"], line["log_level"]) == ("deploy failed", "warning")
    assert (line["why"], line["cause"]) == ("container deploy exited with 3", "script")
