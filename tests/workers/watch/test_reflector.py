"""LIST and WATCH as they come, also broken: against a small stand-in for the calls."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dispatcher.domain.errors import ClusterUnavailable
from tests.waiting import eventually
from workers.kube.objects import JobList, ListMetadata, PodList
from workers.watch.reflector import (
    ConnectionLost,
    ObjectChanged,
    ObjectsListed,
    Reflector,
    ReflectorEvent,
)
from workers.watch.telemetry import Unobserved

JOB = b'{"type":"ADDED","object":{"metadata":{"name":"shop-1","uid":"u","resourceVersion":"7"}}}\n'
BOOKMARK = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n'
GONE = b'{"type":"ERROR","object":{"code":410,"message":"too old"}}\n'
NONSENSE = b'{"type":"ADDED","object":{"metadata":{"creationTimestamp":"not a time"}}}\n'


class Watch:
    """A watch that says what it was given, and then stays open until it is shut."""

    def __init__(self, *chunks: bytes, ends: bool = False) -> None:
        self._chunks, self._ends = chunks, ends
        self._shut = threading.Event()

    def chunks(self) -> Iterator[bytes]:
        yield from self._chunks
        if not self._ends:
            self._shut.wait()

    def shutdown(self) -> None:
        self._shut.set()


class Calls:
    """Answers lists and hands out watches in turn; notes what was asked."""

    def __init__(self, *watches: Watch) -> None:
        self._watches = list(watches)
        self.lists = 0
        self.since: list[str] = []
        self.failures = 0
        self.retry_after = 0.0

    def list_jobs(self, namespace: str, selector: str, position: str = "") -> JobList:
        if self.failures:
            self.failures -= 1
            raise ClusterUnavailable("away", self.retry_after)
        self.lists += 1
        return JobList(ListMetadata(resource_version="5"))

    def list_pods(self, namespace: str, selector: str, position: str = "") -> PodList:
        raise AssertionError("only Jobs are followed here")

    def watch(self, kind: str, namespace: str, selector: str, since: str, seconds: int) -> Any:
        self.since.append(since)
        return self._watches.pop(0) if self._watches else Watch()


@pytest.fixture
def news() -> queue.Queue[ReflectorEvent]:
    return queue.Queue()


def follow(calls: Calls, news: queue.Queue[ReflectorEvent], watch_seconds: int = 240) -> Reflector:
    reflector = Reflector(calls, "job", "ns", "selector", news.put, watch_seconds)
    reflector.start()
    return reflector


def the_next(news: queue.Queue[ReflectorEvent]) -> ReflectorEvent:
    return news.get(timeout=10)


def test_a_list_and_then_what_changes(news: queue.Queue[ReflectorEvent]) -> None:
    reflector = follow(Calls(Watch(JOB[:20], JOB[20:])), news)

    assert isinstance(the_next(news), ObjectsListed)
    changed = the_next(news)
    assert isinstance(changed, ObjectChanged)
    assert (changed.item.metadata.name, changed.deleted) == ("shop-1", False)
    reflector.stop()


def test_a_watch_whose_time_is_up_goes_on_from_the_last_bookmark(
    news: queue.Queue[ReflectorEvent],
) -> None:
    calls = Calls(Watch(JOB, BOOKMARK, ends=True), Watch(JOB))
    reflector = follow(calls, news, watch_seconds=0)

    for _ in range(3):
        the_next(news)

    assert calls.since[:2] == ["5", "9"]
    assert calls.lists == 1
    reflector.stop()


def test_a_watch_that_is_cut_short_is_not_gone_on_with(news: queue.Queue[ReflectorEvent]) -> None:
    """The server may have been restored: from a version that it does not have, nothing would come."""
    calls = Calls(Watch(JOB, ends=True), Watch(JOB))
    reflector = follow(calls, news)

    kinds = [type(the_next(news)) for _ in range(4)]

    assert kinds == [ObjectsListed, ObjectChanged, ObjectsListed, ObjectChanged]
    assert calls.since == ["5", "5"]
    reflector.stop()


def test_a_server_that_asks_to_be_left_alone_is(news: queue.Queue[ReflectorEvent]) -> None:
    calls = Calls()
    calls.failures, calls.retry_after = 1, 1.2
    began = time.monotonic()
    reflector = follow(calls, news)

    assert [type(the_next(news)) for _ in range(2)] == [ConnectionLost, ObjectsListed]
    assert time.monotonic() - began >= 1.2
    reflector.stop()


def test_a_history_that_is_gone_makes_it_list_again(news: queue.Queue[ReflectorEvent]) -> None:
    calls = Calls(Watch(GONE))
    reflector = follow(calls, news)

    assert isinstance(the_next(news), ObjectsListed)
    assert isinstance(the_next(news), ObjectsListed)
    reflector.stop()


@pytest.mark.parametrize("line", [b"no json\n", NONSENSE], ids=["no json", "no Job"])
def test_an_invalid_event_is_reported_and_the_reflector_lists_again(
    news: queue.Queue[ReflectorEvent], line: bytes
) -> None:
    reflector = follow(Calls(Watch(line)), news)

    assert isinstance(the_next(news), ObjectsListed)
    assert isinstance(the_next(news), ConnectionLost)
    assert isinstance(the_next(news), ObjectsListed)
    reflector.stop()


def test_an_api_server_that_is_away_is_said_and_asked_again(
    news: queue.Queue[ReflectorEvent],
) -> None:
    calls = Calls()
    calls.failures = 1
    reflector = follow(calls, news)

    assert the_next(news) == ConnectionLost("ns", "job", "away")
    assert isinstance(the_next(news), ObjectsListed)
    reflector.stop()


class Heard(Unobserved):
    """What a reflector tells of itself."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def received(self, namespace: str, kind: str) -> None:
        self.said.append(f"received {namespace} {kind}")

    def ended(self, namespace: str, kind: str, reason: str) -> None:
        self.said.append(f"ended {namespace} {kind}: {reason}")


@pytest.mark.parametrize(
    ("last", "reason"),
    [(b"", "expired"), (GONE, "gone"), (NONSENSE, "failed")],
    ids=["its time was over", "its history was", "what came cannot be read"],
)
def test_how_a_watch_ended_and_what_came_is_told(
    news: queue.Queue[ReflectorEvent], last: bytes, reason: str
) -> None:
    heard = Heard()
    calls = Calls(Watch(JOB, BOOKMARK, last, ends=True))
    reflector = Reflector(calls, "job", "ns", "selector", news.put, telemetry=heard)
    reflector.start()

    assert eventually(lambda: len(heard.said) >= 3)
    reflector.stop()
    reflector.join(60)

    assert heard.said == ["received ns job", "received ns job", f"ended ns job: {reason}"]
