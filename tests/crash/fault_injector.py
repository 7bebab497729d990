"""Injects faults: SIGKILL, or SIGSTOP and later SIGCONT, to random processes."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import redis

from tests.system.installation import Installation
from tests.waiting import eventually

VICTIMS = ("web", "worker.1", "worker.2", "watcher", "watcher.2", "valkey", "cluster")
PAUSES = 0.25
"""The share of faults that are pauses."""
SHORT, LONG = (0.1, 2.0), (7.0, 10.0)
"""Seconds; a long pause outlasts a worker's lease and a watcher's leadership."""
AIM_SECONDS = 0.5
"""Seconds that a fault of a worker waits for a leased target, so as to hit the middle of a task."""


class FaultInjector:
    """All choices come from the seed."""

    def __init__(self, system: Installation, targets: Iterable[str], seed: int) -> None:
        self._system, self._random = system, random.Random(seed)
        self._rows = [system.keys.row(target) for target in targets]
        self._paused: dict[int, float] = {}
        """Process → when it goes on."""
        self.done: Counter[str] = Counter()

    def run(self, seconds: float) -> None:
        """Injects faults for so many seconds; then resumes every paused process."""
        ends = time.monotonic() + seconds
        try:
            while time.monotonic() < ends:
                time.sleep(self._random.uniform(0.3, 1.3))
                self._resume(time.monotonic())
                self._inject()
        finally:
            self._resume(float("inf"))

    def _inject(self) -> None:
        name, pauses = self._random.choice(VICTIMS), self._random.random() < PAUSES
        seconds = self._random.uniform(*self._random.choice((SHORT, LONG)))
        pid = self._system.pid(name)
        if pid in self._paused and pauses:
            return
        if name.startswith("worker"):
            eventually(self._is_something_leased, AIM_SECONDS, every=0)
        try:
            os.kill(pid, signal.SIGSTOP if pauses else signal.SIGKILL)
        except ProcessLookupError:
            return  # it has not restarted yet
        if pauses:
            self._paused[pid] = time.monotonic() + seconds
        self.done[f"{'pause' if pauses else 'kill'} {name}"] += 1

    def _is_something_leased(self) -> bool:
        pipeline = self._system.redis.pipeline(transaction=False)
        for row in self._rows:
            pipeline.hget(row, "lease_until")
        try:
            found = pipeline.execute()
        except redis.RedisError:
            return True  # Redis was hit as well: no reason to wait
        return any(float(until or 0) > time.time() * 1000 for until in found)

    def _resume(self, moment: float) -> None:
        for pid in [pid for pid, until in self._paused.items() if until <= moment]:
            del self._paused[pid]
            with suppress(ProcessLookupError):  # killed while it was paused
                os.kill(pid, signal.SIGCONT)
