"""A process is killed in the middle of what it does; another one goes on long before RQ would notice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Worker

from dispatcher.ledger import Targets, connect
from tests.system.installation import Installation, Target
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.xdist_group("takeover")

RQ_TAKES = 400
"""Seconds until RQ itself takes up what a killed worker has left: nothing here waits for that."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("takeover"))
    installation.start(workers=2, watchers=2)
    yield installation
    installation.stop()


def test_no_test_here_waits_for_as_long_as_rq() -> None:
    assert PATIENCE < RQ_TAKES


def test_a_target_whose_worker_is_killed_in_the_middle_of_its_task_goes_on(
    system: Installation,
) -> None:
    target = system.target("worker-dies", "sleep 0.2")
    os.kill(system.pid("cluster"), signal.SIGSTOP)
    try:
        target.push("0", "a")
        worker = eventually(lambda: _worker_at(target) if _is_leased(target) else None)
        assert worker, "no worker is at it"
        os.kill(worker, signal.SIGKILL)
    finally:
        os.kill(system.pid("cluster"), signal.SIGCONT)

    assert _is_leased(target)
    target.until(1, "succeeded")
    assert target.overlaps() == []


def test_a_target_whose_worker_hangs_for_longer_than_its_lease_goes_on(
    system: Installation,
) -> None:
    target = system.target("worker-hangs", "sleep 0.2")
    seen = Targets(system.store).acquire(target.name, "a worker that does not go on")
    assert seen is not None

    target.push("0", "a")

    target.until(1, "succeeded")
    assert target.overlaps() == []


def test_a_deploy_that_ends_while_the_leading_watcher_is_dead_is_noticed(
    system: Installation,
) -> None:
    target = system.target("watcher-dies", "sleep 1")
    target.push("0", "a")
    target.until(1, "starting", "running")

    os.kill(system.pid(_leader(system)), signal.SIGKILL)

    target.until(1, "succeeded")
    assert target.is_clean()


def test_no_container_outlives_a_cluster_that_was_killed_and_its_deploy_runs_again(
    system: Installation,
) -> None:
    script = "[ -e $MARKERS/pid ] || { sleep 300 & echo $! > $MARKERS/pid; wait; }"
    target = system.target("orphan", script)
    target.push("0", "a")
    assert eventually(lambda: (system.markers / "pid").exists())
    assert eventually(lambda: (system.markers / "pid").read_text().strip())
    pid = int((system.markers / "pid").read_text())

    os.kill(system.pid("cluster"), signal.SIGKILL)

    assert eventually(lambda: not _runs(pid))
    assert target.until(1, "succeeded").attempt == 2
    assert target.overlaps() == []


def _worker_at(target: Target) -> int | None:
    """The process of the worker whose task is this target's."""
    with connect(target.system.local.redis_url, text=False) as client:
        for worker in Worker.all(connection=client):
            if str(worker.get_current_job_id()).startswith(f"{target.name}-wake-"):
                return worker.pid
    return None


def _is_leased(target: Target) -> bool:
    until = target.system.redis.hget(target.system.keys.row(target.name), "lease_until")
    return int(until or 0) > target.system.store.now()


def _leader(system: Installation) -> str:
    """The part that was the last to say that it leads."""
    said = [line for line in system.log if line.endswith("] leading")]
    return said[-1].split("|")[0].split()[1]


def _runs(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().split()[2] != "Z"
    except OSError:
        return False
