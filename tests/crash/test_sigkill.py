"""Web, worker and watcher are killed by SIGKILL while pushes arrive. Nothing is lost, nothing overlaps."""

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
PUSHES = 15
KILLS = 10
SEED = 20


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
        self.acknowledged = 0

    def run(self) -> None:
        for number in range(1, PUSHES + 1):
            self._push(number)
            time.sleep(self._random.uniform(0, 0.6))

    def _push(self, number: int) -> None:
        before = f"{self._target.name}-{number - 1}" if number > 1 else "0"
        while True:
            try:
                self._target.push(before, f"{self._target.name}-{number}", delivery=f"d{number}")
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                self.acknowledged = number
                return


def kill_at_random(system: Installation, seed: int) -> list[str]:
    """SIGKILL to one process after another; each comes back by its supervisor."""
    chance, killed = random.Random(seed), []
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.3, 1.0))
        name = chance.choice(["web", "worker.1", "worker.2", "watcher"])
        try:
            os.kill(system.pid(name), signal.SIGKILL)
        except ProcessLookupError:
            continue  # it is on its way back from the kill before
        killed.append(name)
    return killed


def test_what_was_acknowledged_is_deployed_and_no_two_pods_run_at_once(
    system: Installation,
) -> None:
    targets = [system.target(f"crash-{n}", "sleep 0.4") for n in range(TARGETS)]
    pushers = [Pusher(target, SEED + n) for n, target in enumerate(targets)]
    for pusher in pushers:
        pusher.start()

    killed = kill_at_random(system, SEED)
    for pusher in pushers:
        pusher.join()

    assert len(killed) >= KILLS // 2
    for target, pusher in zip(targets, pushers, strict=True):
        assert pusher.acknowledged == PUSHES
        newest = target.settled(seconds=60)[0]
        assert newest.commit == sha(f"{target.name}-{PUSHES}"), newest
        assert newest.state == "succeeded", newest
        assert target.is_clean()
    assert system.observer.overlaps == []


def test_a_worker_killed_in_the_middle_is_replaced_within_ten_seconds(
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


def test_no_orphan_is_left_when_everything_is_stopped(system: Installation) -> None:
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
