"""Every process of ours and Redis are killed or paused while pushes arrive. Nothing is lost or overlaps."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.system.installation import Installation, Target, sha
from tests.waiting import eventually

TARGETS = 6


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    installation.start(workers=2)
    yield installation
    installation.stop()


class Pusher(threading.Thread):
    """Pushes to one target as a Git host with retries would; remembers what was answered 2xx."""

    def __init__(self, target: Target, seed: int) -> None:
        super().__init__(daemon=True)
        self._target, self._random = target, random.Random(seed)
        self._ended = threading.Event()
        self.acknowledged = 0

    def run(self) -> None:
        while not self._ended.wait(self._random.uniform(0, 0.8)):
            self._push(self.acknowledged + 1)

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def _push(self, number: int) -> None:
        before = f"{self._target.name}-{number - 1}" if number > 1 else "0"
        while self.acknowledged < number:
            try:
                self._target.push(before, f"{self._target.name}-{number}", delivery=f"d{number}")
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                self.acknowledged = number


VICTIMS = ("web", "worker.1", "worker.2", "watcher", "valkey")
PAUSED = ("worker.1", "watcher")
LONGER_THAN_A_LEASE = 7.0  # seconds


def harm_at_random(system: Installation, seed: int, seconds: float) -> list[str]:
    """SIGKILL to one process after another, each comes back by its supervisor; or a long pause."""
    chance, harmed, ends = random.Random(seed), [], time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(chance.uniform(0.3, 1.5))
        pause = chance.random() < 0.15
        name = chance.choice(PAUSED if pause else VICTIMS)
        try:
            _harm(system.pid(name), pause=pause)
        except ProcessLookupError:
            continue  # it is on its way back from the kill before
        harmed.append(f"pause {name}" if pause else f"kill {name}")
    return harmed


def _harm(pid: int, *, pause: bool) -> None:
    if not pause:
        os.kill(pid, signal.SIGKILL)
        return
    os.kill(pid, signal.SIGSTOP)
    time.sleep(LONGER_THAN_A_LEASE)
    os.kill(pid, signal.SIGCONT)


def test_what_was_acknowledged_is_deployed_and_no_two_pods_run_at_once(
    system: Installation, request: pytest.FixtureRequest
) -> None:
    seed, minutes = request.config.getoption("--seed"), request.config.getoption("--minutes")
    targets = [system.target(f"crash-{n}", "sleep 0.4") for n in range(TARGETS)]
    pushers = [Pusher(target, seed + n) for n, target in enumerate(targets)]
    for pusher in pushers:
        pusher.start()

    harmed = harm_at_random(system, seed, minutes * 60)
    for pusher in pushers:
        pusher.stop()

    assert eventually(system.answers)
    assert len(harmed) >= 5
    for target, pusher in zip(targets, pushers, strict=True):
        newest = target.settled(seconds=60)[0]
        assert newest.commit == sha(f"{target.name}-{pusher.acknowledged}"), newest
        assert newest.state == "succeeded", newest
        assert target.is_clean(), target.story("a Job or a Pod is left")
        order = target.commits_run()
        assert order == sorted(order), target.story("an older deploy started after a newer one")
    assert system.observer.overlaps == []
    print(_figures(system, targets, pushers, harmed, seed))


def _figures(
    system: Installation,
    targets: list[Target],
    pushers: list[Pusher],
    harmed: list[str],
    seed: int,
) -> str:
    deploys = sum(target.deploys()[0].number for target in targets)
    pushes = sum(pusher.acknowledged for pusher in pushers)
    counts = {what: harmed.count(what) for what in sorted(set(harmed))}
    return (
        f"seed {seed}: {pushes} pushes acknowledged, {deploys} deploys, {len(system.observer.runs)} "
        f"Pods seen running, {len(harmed)} kills and pauses {counts}, no overlap, nothing lost"
    )


def test_a_target_whose_worker_is_gone_is_taken_over_within_ten_seconds(
    system: Installation,
) -> None:
    target = system.target("worker-dies", "sleep 0.2")
    seen = system.ledger.acquire(target.name, "a worker that is dead by now")
    assert seen is not None

    began = time.monotonic()
    target.push("0", "a")

    target.until(1, "succeeded", seconds=12)
    assert time.monotonic() - began < 10


def test_a_killed_watcher_loses_nothing_that_ended_meanwhile(system: Installation) -> None:
    target = system.target("watcher-dies", "sleep 1")
    target.push("0", "a")
    target.until(1, "starting", "running")

    os.kill(system.pid("watcher"), signal.SIGKILL)

    target.until(1, "succeeded", seconds=15)
    assert target.is_clean()


def test_no_container_outlives_a_cluster_that_was_killed(system: Installation) -> None:
    target = system.target("orphan", "sleep 300 & echo $! > $MARKERS/pid; wait")
    target.push("0", "a")
    assert eventually(lambda: (system.markers / "pid").exists())
    assert eventually(lambda: (system.markers / "pid").read_text().strip())
    pid = int((system.markers / "pid").read_text())

    os.kill(system.pid("cluster"), signal.SIGKILL)

    assert eventually(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().split()[2] != "Z"
    except OSError:
        return False
