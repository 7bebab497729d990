"""SIGKILL, and SIGSTOP with SIGCONT some time later, to one process after another."""

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
"""How many of the blows are pauses."""
SHORT, LONG = (0.1, 2.0), (7.0, 10.0)
"""Seconds; a long pause is longer than a worker's lease and a watcher's lead."""
AIM_SECONDS = 0.5
"""For so long a blow at a worker waits for a moment in which a target is leased: in the middle of a task."""


class Harm:
    """All choices come from the seed."""

    def __init__(self, system: Installation, targets: Iterable[str], seed: int) -> None:
        self._system, self._random = system, random.Random(seed)
        self._rows = [system.keys.row(target) for target in targets]
        self._paused: dict[int, float] = {}
        """Process → when it goes on."""
        self.done: Counter[str] = Counter()

    def rage(self, seconds: float) -> None:
        """Harms for a time; at the end everything goes on."""
        ends = time.monotonic() + seconds
        try:
            while time.monotonic() < ends:
                time.sleep(self._random.uniform(0.3, 1.3))
                self._wake(time.monotonic())
                self._strike()
        finally:
            self._wake(float("inf"))

    def _strike(self) -> None:
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
            return  # it is on its way back from the kill before
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

    def _wake(self, moment: float) -> None:
        for pid in [pid for pid, until in self._paused.items() if until <= moment]:
            del self._paused[pid]
            with suppress(ProcessLookupError):  # killed while it was paused
                os.kill(pid, signal.SIGCONT)
