"""Redis is away, hangs, refuses what is written, or comes back as another one. Real processes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.system.outage import PROCESSES, WORKERS, Outages
from tests.waiting import eventually

LONGER_THAN_ANY_TIME_OUT = 3.5  # seconds


def test_while_redis_is_away_hosts_are_told_to_come_again_and_then_all_goes_on(
    outages: Outages,
) -> None:
    target = outages.system.target("redis-away", "sleep 2")
    target.push("0", "a")
    target.until(1, "running")

    with outages.redis_away():
        refused = outages.refusal(target, "a", "b")
        ready = outages.readiness()
        time.sleep(LONGER_THAN_ANY_TIME_OUT)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert ready["ledger"].startswith("unavailable: ")
    assert target.push("a", "b")["outcome"] == "accepted"
    assert target.until(1, "succeeded", "superseded")
    assert target.until(2, "succeeded")
    assert target.is_clean()
    assert target.overlaps() == []
    assert outages.readiness()["ledger"] == "ok"
    assert outages.logged_by("Redis is unavailable") == dict.fromkeys(PROCESSES, 1)
    assert each_process_said_it_once(outages)


def each_process_said_it_once(outages: Outages) -> bool:
    """Who noticed said so, and that it is over; nobody ended, nobody went on and on about it."""
    away = outages.logged_by("Redis is unavailable")
    assert set(away.values()) == {1}, away

    def back() -> set[str]:
        return {*outages.logged_by("listening"), *outages.logged_by("leading")}

    assert eventually(lambda: back() >= set(away)), outages.lines()
    assert eventually(lambda: len(outages.logged("readiness")) == 2), outages.logged("readiness")
    assert outages.restarts() == 0, outages.lines()
    return len(outages.logged("wake-up given up")) <= WORKERS


def test_a_redis_that_hangs_is_not_waited_for_and_goes_on_where_it_was(outages: Outages) -> None:
    target = outages.system.target("redis-hangs", "sleep 1")
    target.push("0", "a")
    target.until(1, "running")

    with outages.redis_silent():
        refused = outages.refusal(
            target, "a", "b"
        )  # while Redis hangs: it answers only behind this block
        time.sleep(LONGER_THAN_ANY_TIME_OUT)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    target.push("a", "b")
    assert target.until(1, "succeeded", "superseded")
    assert target.until(2, "succeeded")
    assert target.overlaps() == []
    assert outages.restarts() == 0
    assert set(outages.logged_by("Redis is unavailable").values()) <= {1}


REFUSES = {"read-only": Outages.redis_read_only, "full": Outages.redis_full}


@pytest.mark.parametrize("how", REFUSES.values(), ids=REFUSES)
def test_a_redis_that_refuses_what_is_written_is_no_better_than_none(
    outages: Outages, how: Callable[[Outages], AbstractContextManager[None]]
) -> None:
    target = outages.system.target(f"refuses-{how.__name__.rpartition('_')[2]}", "sleep 1.5")
    target.push("0", "a")
    target.until(1, "running")

    with how(outages):
        commands = outages.commands()
        refused = outages.refusal(target, "a", "b")
        ready = outages.readiness()
        time.sleep(2)
        commands = outages.commands() - commands

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert ready["ledger"] == "unavailable: Redis answers, but refuses writes"
    assert commands < 80, "somebody asks again and again"
    assert target.push("a", "b")["outcome"] == "accepted"
    assert target.until(1, "succeeded", "superseded")
    assert target.until(2, "succeeded")
    assert target.is_clean()
    assert outages.readiness()["ledger"] == "ok"
    assert each_process_said_it_once(outages)


def test_a_redis_that_lost_its_tail_finds_what_runs_again(outages: Outages) -> None:
    """As after a failover to a replica that was behind."""
    target = outages.system.target("tail", "[ $DEPLOY_NUMBER = 2 ] || sleep 60")
    files = outages.system.local.state / "valkey"
    copy = outages.folder / "behind"
    with outages.redis_away():
        shutil.copytree(files, copy)
    outages.settle()
    target.push("0", "a")
    target.until(1, "running")

    with outages.redis_away():
        shutil.rmtree(files)
        shutil.move(copy, files)

    found = target.until(1, "running", "starting")
    assert "found in the cluster" in found.note
    assert target.push("a", "b")["deploy"] == f"{target.name}/2"
    assert target.until(1, "superseded").superseded_by == 2
    assert target.until(2, "succeeded")
    assert target.overlaps() == []
    assert target.is_clean()


def test_a_push_that_comes_before_the_cluster_is_listed_waits_and_says_so(
    outages: Outages,
) -> None:
    """Another Redis with the same data: what runs is known, but perhaps not all of it."""
    target = outages.system.target("unlisted", "sleep 0.2")
    with outages.proxy.failing(path="/jobs", status=500):
        with outages.redis_away():
            pass
        outages.is_led()
        target.push("0", "a")
        waits = eventually(lambda: trouble(outages, target.name))
        assert target.jobs() == []

    assert "no watcher has listed the cluster" in waits
    assert target.until(1, "succeeded")


def trouble(outages: Outages, name: str) -> str:
    return str(outages.system.redis.hget(outages.system.keys.row(name), "trouble") or "")
