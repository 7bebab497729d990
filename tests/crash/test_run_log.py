"""The run log of the crash run shows every overlap and every wrong order."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.branches import Branch
from tests.crash.run_log import Line, overlaps, read_lines, starts
from tests.crash.target_kinds import SCRIPT
from tests.waiting import eventually

COMMIT = "a" * 40


class Containers:
    """Starts what the local cluster would start as containers of one target."""

    def __init__(self, markers: Path) -> None:
        self._markers, self.path = markers, os.environ["PATH"]
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, number: int) -> subprocess.Popen[bytes]:
        """Returns once it has written that it began."""
        variables = {
            "PATH": self.path,
            "MARKERS": str(self._markers),
            "DEPLOY_TARGET": "shop",
            "DEPLOY_NUMBER": str(number),
            "GIT_COMMIT": COMMIT,
            "GIT_REF": "refs/heads/main",
            "HOSTNAME": f"pod-{number}",
        }
        process = subprocess.Popen(["sh", str(SCRIPT)], env=variables, start_new_session=True)
        self._started.append(process)
        assert eventually(lambda: len(starts(self.lines())) == len(self._started))
        return process

    def lines(self) -> list[Line]:
        return read_lines(self._markers, "shop")

    def stop(self) -> None:
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    made = Containers(tmp_path)
    yield made
    made.stop()


def test_two_that_run_at_once_are_seen_by_the_second_and_by_the_order_of_their_lines(
    containers: Containers,
) -> None:
    first, second = containers.start(1), containers.start(2)

    assert (first.wait(), second.wait()) == (0, 0)

    # On a busy machine the first may look for others so late that it sees the second too.
    assert {*overlaps(containers.lines())} - {"pod-1 began while pod-2 was alive"} == {
        "pod-2 began while pod-1 was alive",
        "pod-2 began before pod-1 ended",
    }


def test_one_whose_clock_is_killed_under_it_is_seen_all_the_same(
    containers: Containers, tmp_path: Path
) -> None:
    (tmp_path / "date").write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / "date").chmod(0o755)
    containers.path = f"{tmp_path}:{containers.path}"

    containers.start(1).wait()

    assert [(line.what, line.at, line.number) for line in containers.lines()] == [
        ("start", 0, 1),
        ("end", 0, 1),
    ]


def test_one_that_writes_no_end_is_seen_as_long_as_it_is_alive(containers: Containers) -> None:
    os.killpg(containers.start(1).pid, signal.SIGSTOP)

    containers.start(2).wait()

    assert overlaps(containers.lines()) == ["pod-2 began while pod-1 was alive"]


def test_one_that_was_killed_is_gone_even_while_nobody_has_waited_for_it(
    containers: Containers,
) -> None:
    first = containers.start(1)
    os.killpg(first.pid, signal.SIGKILL)
    os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)

    containers.start(2).wait()

    assert overlaps(containers.lines()) == []


def test_one_that_was_told_to_end_writes_so(containers: Containers) -> None:
    first = containers.start(1)
    os.killpg(first.pid, signal.SIGTERM)
    assert first.wait() == 143

    containers.start(2).wait()

    assert [line.what for line in containers.lines()] == ["start", "end"] * 2
    assert overlaps(containers.lines()) == []


@pytest.mark.parametrize(
    ("pushed", "ran", "wrong"),
    [
        ("abc", "abc", ""),
        ("abc", "ac", ""),
        ("abc", "acc", ""),
        ("abc", "aba", "a"),
        ("abc", "cb", "b"),
        ("aba", "aba", ""),
        ("aba", "ab", ""),
        ("abab", "abbab", ""),
        ("abac", "abca", "a"),
    ],
)
def test_a_commit_that_runs_after_the_branch_has_left_it_is_named(
    pushed: str, ran: str, wrong: str
) -> None:
    branch = Branch("refs/heads/main")
    for commit in pushed:
        branch.move(commit, "", dated=False)

    assert branch.out_of_order(ran) == list(wrong)
