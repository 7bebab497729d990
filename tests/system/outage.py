"""An installation that outages are made for, and what a test wants to know of how it took one."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.system.faultproxy import FaultProxy
from tests.system.installation import Installation, Target
from tests.waiting import eventually

WORKERS = 2
ALWAYS = "always"
"""A target that every test has: `default` is watched whichever tests run, and in whatever order."""
PROCESSES = {"watcher", *(f"worker.{n}" for n in range(1, WORKERS + 1))}


@dataclass
class Outages:
    """The product reaches its cluster through a proxy that tests steer; Redis is steered as it is."""

    folder: Path
    marked: float = 0.0
    """When the outage at hand began, by the monotonic clock."""
    _line: int = 0
    _restarts: int = 0
    system: Installation = field(init=False)

    def start(self) -> None:
        self.proxy = FaultProxy(self.folder / "state" / "cluster" / "kubeconfig", self.folder)
        self.proxy.start()
        self.system = Installation(self.folder)
        product = {"KUBECONFIG": str(self.proxy.kubeconfig), "DISPATCHER_LOG_FORMAT": "json"}
        self.system.start(WORKERS, targets={ALWAYS: {}}, product=product)

    def stop(self) -> None:
        self.system.stop()
        self.proxy.stop()

    # What a test wants to know

    def begins(self) -> None:
        """From here on requests, lines and restarts are counted."""
        self.marked, self._line = time.monotonic(), len(self.system.log)
        self._restarts = self._all_restarts()

    def requests(self, method: str = "", path: str = "") -> int:
        return self.proxy.count(self.marked, method, path)

    def logged(self, event: str, **fields: str) -> list[dict[str, Any]]:
        return self.system.logged(event, self._line, **fields)

    def lines(self, *parts: str) -> list[str]:
        """What these processes have said since the outage began."""
        told = (line.split("|", 1) for line in self.system.log[self._line :])
        return [line for who, line in told if who.split()[-1] in (parts or PROCESSES)]

    def logged_by(self, event: str) -> Counter[str]:
        """How often each process has said this."""
        told = [line for line in self.system.log[self._line :] if f'"event": "{event}"' in line]
        return Counter(line.split("|", 1)[0].split()[-1] for line in told)

    def restarts(self) -> int:
        """Processes that have ended since the outage began, and were started again."""
        return self._all_restarts() - self._restarts

    def _all_restarts(self) -> int:
        return sum(running.restarts for running in self.system.running)

    def readiness(self) -> dict[str, Any]:
        found: dict[str, Any] = self.system.web.get(
            "/readyz", headers={"Authorization": f"Bearer {self.system.local.token}"}
        ).json()
        return found

    def refusal(self, target: Target, before: str, after: str) -> httpx.Response:
        """The answer to a push that cannot be recorded."""
        try:
            target.push(before, after)
        except httpx.HTTPStatusError as error:
            return error.response
        raise AssertionError("the push was taken")

    # Redis

    @contextmanager
    def redis_away(self) -> Iterator[None]:
        self.begins()
        self.system.halt("valkey")
        try:
            yield
        finally:
            self.system.restart("valkey")
            assert eventually(self.system.answers)  # it reads its file first

    @contextmanager
    def redis_silent(self) -> Iterator[None]:
        """It takes connections and says nothing."""
        self.begins()
        pid = self.system.pid("valkey")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def redis_read_only(self) -> Iterator[None]:
        """As a replica whose primary is nowhere."""
        self.begins()
        self.system.redis.replicaof("127.0.0.1", 1)
        try:
            yield
        finally:
            self.system.redis.replicaof("NO", "ONE")

    @contextmanager
    def redis_full(self) -> Iterator[None]:
        self.begins()
        self.system.redis.config_set("maxmemory", 1)
        try:
            yield
        finally:
            self.system.redis.config_set("maxmemory", 0)

    def commands(self) -> int:
        """What Redis has been asked so far."""
        return int(self.system.redis.info("stats")["total_commands_processed"])

    def is_led(self) -> None:
        """Redis answers, and a watcher leads, whether or not it can follow the cluster."""
        assert eventually(self.system.answers)
        assert eventually(lambda: self.system.redis.exists(self.system.keys.leader))

    def settle(self) -> None:
        """All processes are at work again."""
        self.is_led()
        assert eventually(lambda: self.proxy.watches("/namespaces/default/") >= 2), self.lines()
