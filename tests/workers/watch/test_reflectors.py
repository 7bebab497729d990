"""ReflectorSet that were stopped: whatever they still deliver is dropped, whenever that comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from workers.kube.objects import JobList, ListMetadata, PodList
from workers.watch.reflector import ConnectionLost, ObjectsListed, Reflector, ReflectorEvent
from workers.watch.reflectors import KINDS, ReflectorSet

MOST = 100


def listed(namespace: str, version: str) -> ObjectsListed:
    return ObjectsListed(namespace, "job", (), version)


@dataclass
class Heard:
    """A reflector that says what a test lets it say."""

    kind: str
    namespace: str
    put: Callable[[ReflectorEvent], None]
    begun: bool = False
    stopped: bool = False

    def start(self) -> None:
        self.begun = True

    def stop(self) -> None:
        self.stopped = True


@dataclass
class Made:
    """All reflectors that were ever made, in order."""

    reflectors: list[Heard] = field(default_factory=list)

    def __call__(self, kind: str, namespace: str, put: Callable[[ReflectorEvent], None]) -> Heard:
        self.reflectors.append(Heard(kind, namespace, put))
        return self.reflectors[-1]

    def of(self, namespace: str) -> list[Heard]:
        """Of Jobs, the oldest first."""
        return [
            reflector
            for reflector in self.reflectors
            if (reflector.kind, reflector.namespace) == ("job", namespace)
        ]


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def reflectors(made: Made) -> ReflectorSet:
    return ReflectorSet(made)


def test_a_namespace_is_followed_by_a_reflector_of_each_kind(
    reflectors: ReflectorSet, made: Made
) -> None:
    reflectors.follow("ns")

    assert [reflector.kind for reflector in made.reflectors] == list(KINDS)
    assert all(reflector.begun and not reflector.stopped for reflector in made.reflectors)
    assert reflectors.namespaces == {"ns"}


def test_events_are_taken_in_order_and_so_many_at_a_time(
    reflectors: ReflectorSet, made: Made
) -> None:
    reflectors.follow("ns")
    told = [listed("ns", str(version)) for version in range(5)]
    for news in told:
        made.of("ns")[0].put(news)

    assert reflectors.take(0, 3) == told[:3]
    assert reflectors.take(0, 3) == told[3:]
    assert reflectors.take(0, 3) == []


def test_late_events_of_a_stopped_reflector_are_dropped_behind_its_successor_s(
    reflectors: ReflectorSet, made: Made
) -> None:
    reflectors.follow("ns")
    reflectors.leave_all()
    reflectors.follow("ns")
    old, new = made.of("ns")

    new.put(listed("ns", "200"))
    old.put(listed("ns", "100"))
    old.put(ConnectionLost("ns", "job", "cut off"))

    assert reflectors.take(0, MOST) == [listed("ns", "200")]
    assert old.stopped
    assert not new.stopped


def test_what_waits_when_all_begin_anew_is_void(reflectors: ReflectorSet, made: Made) -> None:
    reflectors.follow("ns")
    made.of("ns")[0].put(listed("ns", "100"))

    reflectors.leave_all()
    reflectors.follow("ns")

    assert reflectors.take(0, MOST) == []


def test_a_namespace_that_is_left_takes_nothing_of_another_with_it(
    reflectors: ReflectorSet, made: Made
) -> None:
    reflectors.follow("left")
    reflectors.follow("kept")
    made.of("left")[0].put(listed("left", "1"))
    made.of("kept")[0].put(listed("kept", "2"))

    reflectors.leave("left")
    made.of("left")[0].put(listed("left", "3"))

    assert reflectors.take(0, MOST) == [listed("kept", "2")]
    assert reflectors.namespaces == {"kept"}


class Lists:
    """Each LIST of Jobs is answered when its event is set; there is a page behind the first, and no watch."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.answers = [threading.Event(), threading.Event()]
        self.pages = 0

    def list_jobs(self, namespace: str, selector: str, position: str = "") -> JobList:
        number = self.pages
        self.pages += 1
        self.asked.release()
        assert self.answers[number].wait(30)
        return JobList(ListMetadata(str(100 * (number + 1)), "" if number else "a second page"))

    def list_pods(self, namespace: str, selector: str, position: str = "") -> PodList:
        raise AssertionError("only Jobs are followed here")

    def watch(self, *_: Any) -> Any:
        raise AssertionError("nothing is watched here")


@pytest.fixture
def lists() -> Iterator[Lists]:
    lists = Lists()
    yield lists
    for answer in lists.answers:
        answer.set()


def test_a_real_reflector_that_is_stopped_while_it_lists_requests_and_delivers_nothing_more(
    lists: Lists,
) -> None:
    told: list[ReflectorEvent] = []
    reflector = Reflector(lists, "job", "ns", "selector", told.append)
    reflector.start()
    assert lists.asked.acquire(timeout=30)

    reflector.stop()
    lists.answers[0].set()
    reflector.join(30)

    assert told == []
    assert lists.pages == 1
