"""The API server is away, slow, overloaded or refuses. Real processes, a proxy in front of the cluster."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dispatcher.ledger import Listings
from dispatcher.local.kube import create_namespace
from tests.system.faultproxy import FaultProxy
from tests.system.installation import Target, sha
from tests.system.outage import WORKERS, Outages
from tests.waiting import eventually
from workers.kube import labels
from workers.kube.client import Access, Cluster, Timeouts
from workers.watch.reflector import ObjectsListed, Reflector, ReflectorEvent

SECONDS = 3.5
"""An outage: longer than a worker waits for an answer, and than the pauses between its first attempts."""


@pytest.fixture(autouse=True)
def _whole(outages: Outages) -> Iterator[None]:
    yield
    outages.settle()


def test_what_ended_and_what_was_pushed_while_the_api_server_was_away_is_made_up_for(
    outages: Outages,
) -> None:
    ends = outages.system.target("ends-alone", "sleep 1")
    waits = outages.system.target("pushed-to")
    ends.push("0", "a")
    ends.until(1, "running")

    with cluster_away(outages):
        outcomes = [waits.push(before, after)["outcome"] for before, after in ("0a", "ab", "bc")]
        assert eventually(lambda: pods_ended(ends))
        time.sleep(SECONDS)
        assert ends.deploy(1).state == "running"
        ready = outages.readiness()

    assert (ready["ledger"], ready["cluster"].partition(":")[0]) == ("ok", "unavailable")
    assert outcomes[0] == "accepted"
    assert set(outcomes) <= {"accepted", "coalesced"}
    assert ends.until(1, "succeeded")
    (newest, *_) = waits.settled()
    assert (newest.commit, newest.state) == (sha("c"), "succeeded")
    assert waits.overlaps() == []
    assert ends.is_clean()
    assert waits.is_clean()
    logged_once(outages, targets=1)
    assert eventually(lambda: outages.readiness()["cluster"] == "ok")


@contextmanager
def cluster_away(outages: Outages) -> Iterator[None]:
    outages.begins()
    with outages.proxy.away():
        yield


def pods_ended(target: Target) -> bool:
    return all(pod["status"]["phase"] in ("Succeeded", "Failed") for pod in target.pods())


def logged_once(outages: Outages, targets: int) -> None:
    """Each reflector and each target says once that something is wrong, and that it is over."""
    cut_off, back = "cluster connection lost", "cluster connection restored"
    for kind in ("job", "pod"):
        reflector = {"namespace": "default", "kind": kind}
        assert len(outages.logged(cut_off, **reflector)) == 1, outages.lines()
        assert eventually(lambda reflector=reflector: len(outages.logged(back, **reflector)) == 1)  # type: ignore[misc]
    assert len(outages.logged("cluster request failed")) <= targets, outages.logged(
        "cluster request failed"
    )
    assert outages.restarts() == 0


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 429, "retry_after": 2}],
    ids=["500", "429"],
)
def test_an_api_server_that_answers_with_errors_is_asked_now_and_then(
    outages: Outages, fault: dict[str, Any]
) -> None:
    target = outages.system.target(f"errors-{fault['status']}", "sleep 0.1")

    outages.begins()
    with outages.proxy.failing(**fault):
        outages.proxy.cut()
        target.push("0", "a")
        time.sleep(2.5)
        asked = outages.requests()

    assert asked < 20, "it is asked again and again"
    done = target.until(1, "succeeded")
    assert done.commit == sha("a")
    assert target.commits_run() == [1]
    assert target.is_clean()
    logged_once(outages, targets=1)


def test_a_post_that_arrives_long_after_it_was_given_up_starts_nothing_beside_another(
    outages: Outages,
) -> None:
    """The API server is so slow that nobody waits for its answer, and does what it was asked all the same."""
    target = outages.system.target("very-slow", "sleep 1")

    with outages.proxy.failing(method="POST", path="/jobs", delay=SECONDS):
        target.push("0", "a")
        time.sleep(SECONDS / 2)
        target.push("a", "b")
        time.sleep(SECONDS)

    newest = target.settled()[0]
    assert (newest.commit, newest.state) == (sha("b"), "succeeded")
    assert target.overlaps() == []
    assert target.is_clean()


def test_an_api_server_that_takes_as_long_as_it_may_slows_down_and_breaks_nothing(
    outages: Outages,
) -> None:
    target = outages.system.target("slow", "[ $DEPLOY_NUMBER = 2 ] || sleep 60")
    target.push("0", "a")
    target.until(1, "running")

    outages.begins()
    with outages.proxy.failing(delay=2.9):
        target.push("a", "b")
        done = target.until(2, "succeeded")
        assert target.is_clean()

    assert target.deploy(1).superseded_by == done.number
    assert target.overlaps() == []
    assert outages.logged("lease lost") == []


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 410},
        {"event": b'{"type":"ERROR","object":{"code":410,"message":"too old"}}\n'},
    ],
    ids=["refused", "in the stream"],
)
def test_a_history_that_is_gone_is_no_trouble(outages: Outages, fault: dict[str, Any]) -> None:
    target = outages.system.target(f"gone-{'event' if 'event' in fault else 'status'}", "sleep 1")

    outages.begins()
    with outages.proxy.failing(path="watch=true", **fault):
        outages.proxy.cut()
        target.push("0", "a")
        target.until(1, "succeeded")
        asked = outages.requests(path="watch=true")
        seconds = time.monotonic() - outages.marked

    reflectors = 2 * len(Listings(outages.system.store).listed())  # Jobs and Pods of each namespace
    assert asked <= reflectors * (6 + seconds / 2), "lists and watches follow without a pause"
    assert target.is_clean()


def test_a_namespace_that_is_closed_to_us_delays_nobody_else(outages: Outages) -> None:
    create_namespace(outages.system.kube, "closed")
    closed = outages.system.targets([f"closed-{n}" for n in range(3)], namespace="closed")
    other = outages.system.target("open")

    outages.begins()
    with outages.proxy.failing(path="/namespaces/closed/", status=403):
        outages.proxy.cut("/namespaces/closed/")
        for target in closed:
            target.push("0", "a")
        deploy_five(other)
        states = [target.deploy(1).state for target in closed]

    assert outages.requests(path="/namespaces/closed/") < 40
    assert set(states) <= {"pending", "starting"}


def test_a_namespace_where_nothing_is_answered_keeps_the_workers_from_nobody_else(
    outages: Outages,
) -> None:
    """As where an admission webhook hangs."""
    create_namespace(outages.system.kube, "mute")
    mute = outages.system.targets([f"mute-{n}" for n in range(6)], namespace="mute")
    other = outages.system.target("heard")

    outages.begins()
    with outages.proxy.failing(method="POST", path="/namespaces/mute/", delay=60):
        for target in mute:
            target.push("0", "a")
        deploy_five(other)
        asked = outages.requests("POST", "/namespaces/mute/")
        at_work = WORKERS * (time.monotonic() - outages.marked)

    # Each of them may be waited for once; from then on a worker waits for a part of its time only.
    waited = (asked - WORKERS) * Timeouts().answer
    assert waited < 0.6 * at_work, f"{asked} requests, {at_work:.1f} s of workers' time"
    for target in mute:
        assert target.settled()[0].state == "succeeded"
        assert target.overlaps() == []


def deploy_five(target: Target) -> None:
    """One push after the other, each when the deploy of the one before has succeeded."""
    commits = ["0", "c1", "c2", "c3", "c4", "c5"]
    for number, (before, after) in enumerate(pairwise(commits), 1):
        target.push(before, after)
        target.until(number, "succeeded")


def test_a_watch_on_which_nothing_comes_any_more_is_opened_anew(
    outages: Outages, tmp_path: Path
) -> None:
    """A firewall that forgot the connection: nobody ever says that it is dead."""
    news: queue.Queue[ReflectorEvent] = queue.Queue()
    proxy = FaultProxy(outages.system.local.kubeconfig, tmp_path)
    proxy.start()
    cluster = Cluster(Access(str(proxy.kubeconfig)), Timeouts(watch=1.0))
    reflector = Reflector(cluster, "job", "default", labels.selector("nobody"), news.put)
    reflector.start()
    assert isinstance(news.get(timeout=10), ObjectsListed)
    assert eventually(lambda: proxy.watches() == 1)

    with proxy.silent():
        pass
    assert isinstance(news.get(timeout=10), ObjectsListed)

    assert eventually(lambda: proxy.count(path="watch=true") == 2)
    reflector.stop()
    proxy.stop()


def test_a_standby_takes_over_from_a_watcher_that_hangs(outages: Outages) -> None:
    target = outages.system.target("failover", "sleep 1")
    outages.system.start_standby("watcher.2")
    target.push("0", "a")
    target.until(1, "running")

    outages.begins()
    os.kill(outages.system.pid("watcher"), signal.SIGSTOP)
    target.until(1, "succeeded")  # while the other one hangs: it goes on only behind this
    os.kill(outages.system.pid("watcher"), signal.SIGCONT)

    assert outages.logged_by("leading") == {"watcher.2": 1}
    assert eventually(
        lambda: outages.logged("standing by") or outages.logged("another watcher leads")
    )
    assert target.is_clean()
    outages.system.halt("watcher.2")
    assert eventually(lambda: outages.logged_by("leading")["watcher"] == 1)
