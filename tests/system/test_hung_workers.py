"""A worker that hangs, as an operator sees it: `targets`, `/readyz` and the logs. Time is moved in Redis."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rq import Queue

from dispatcher.domain.process import LATE_AFTER
from dispatcher.domain.repairs import Kind
from dispatcher.domain.trouble import UNTAKEN_AFTER
from dispatcher.ledger import Repairs, connect
from tests.system.installation import Installation
from tests.waiting import eventually

AGO = 60_000
"""Milliseconds by which the test makes something older than it is."""


@contextmanager
def hung(system: Installation, name: str) -> Iterator[None]:
    pid = system.pid(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def ask(system: Installation, path: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {system.local.token}"}
    found: dict[str, Any] = system.web.get(path, headers=headers).json()
    return found


def said(system: Installation, event: str, since: int) -> int:
    """How many lines of the watcher's log have it, from a line on."""
    return sum(event in line for line in system.log[since:] if "watcher |" in line)


def worker(system: Installation) -> dict[str, Any]:
    pid = system.pid("worker")
    found = ask(system, "/api/v1/processes")["processes"]
    return next(each for each in found if each["pid"] == pid)


def make_older(system: Installation, target: str) -> None:
    """What waits for the worker, and the worker's last heartbeat."""
    system.redis.hincrby(system.keys.row(target), "woken", -AGO)
    system.redis.zincrby(system.keys.heartbeats, -AGO, worker(system)["name"])


def test_with_all_workers_hung_everything_says_so_and_that_it_is_over(system: Installation) -> None:
    assert max(LATE_AFTER, UNTAKEN_AFTER) < AGO
    target = system.target("hung")
    assert eventually(lambda: ask(system, "/readyz")["workers"] == "ok")
    since = len(system.log)

    with hung(system, "worker"):
        target.push("0", "a")
        make_older(system, "hung")
        shown = ask(system, "/api/v1/targets/hung")
        assert shown["trouble"].startswith("no worker has taken it up for 1m")
        assert shown["trouble_kind"] == "untaken"
        assert worker(system)["liveness"] == "late"
        health = "unavailable: no worker has taken a target up for"
        assert eventually(lambda: ask(system, "/readyz")["workers"].startswith(health))
        assert eventually(lambda: said(system, "no worker has taken a target up for 20 s", since))

    target.until(1, "succeeded")
    assert eventually(lambda: said(system, "workers take wake-ups again", since))
    assert said(system, "no worker has taken a target up for 20 s", since) == 1
    assert eventually(lambda: ask(system, "/readyz")["workers"] == "ok")
    assert worker(system)["liveness"] == "alive"
    assert ask(system, "/api/v1/targets/hung")["trouble"] == ""
    assert target.is_clean()


def test_every_process_is_listed_with_what_it_is(system: Installation) -> None:
    def kinds() -> set[str]:
        listed = ask(system, "/api/v1/processes")["processes"]
        return {each["kind"] for each in listed if each["liveness"] == "alive"}

    assert eventually(lambda: kinds() == {"web", "worker", "watcher"})
    listed = ask(system, "/api/v1/processes")["processes"]
    (watcher,) = [each for each in listed if each["kind"] == "watcher"]
    assert watcher["state"] == "leads"
    assert ask(system, "/readyz")["configuration"] == "ok"


def test_what_a_killed_worker_had_taken_is_cleared_from_rq(system: Installation) -> None:
    target = system.target("killed")
    with connect(system.local.redis_url, text=False) as client:
        queue = Queue(
            system.local.environment.get("DISPATCHER_QUEUE", "deploys"), connection=client
        )
        os.kill(system.pid("worker"), signal.SIGSTOP)  # it waits, and Redis hands it a task
        target.push("0", "a")
        assert eventually(lambda: "killed-wake-1" in queue.intermediate_queue.get_job_ids())

        os.kill(system.pid("worker"), signal.SIGKILL)

        target.until(1, "succeeded")
        assert eventually(lambda: not queue.intermediate_queue.get_job_ids())
        assert not queue.failed_job_registry.get_job_ids(cleanup=False)
    assert Repairs(system.store).counts()[Kind.LEFT_TASK] > 0
    assert target.is_clean()
