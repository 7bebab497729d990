from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatcher.local.cluster.apimachinery.resources import EVENTS, NAMESPACES, PODS
from dispatcher.local.cluster.client import event_recorder
from dispatcher.local.cluster.client.event_recorder import EventRecorder, EventText
from dispatcher.local.cluster.storage.database import Database
from dispatcher.local.cluster.storage.store import Store

POD = {"metadata": {"name": "x", "namespace": "home", "uid": "1", "resourceVersion": "5"}}
STARTED = EventText("kubelet", "Normal", "Started", "Started container main")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def in_a_cluster(scenario: Callable[[Store, EventRecorder, Clock], None]) -> list[dict[str, Any]]:
    """The events that are there after a scenario, once the old ones have gone."""

    async def run() -> list[dict[str, Any]]:
        clock = Clock()
        with closing(Database()) as database:
            store = Store(database, clock)
            store.put(NAMESPACES, {"metadata": {"name": "home"}})
            told = EventRecorder(store, clock)
            scenario(store, told, clock)
            aging = asyncio.create_task(told.queue.run())
            for _ in range(50):
                await asyncio.sleep(0)
            aging.cancel()
            return store.all(EVENTS)

    return asyncio.run(run())


def test_the_same_words_are_counted() -> None:
    def scenario(store: Store, told: EventRecorder, clock: Clock) -> None:
        for _ in range(3):
            told.record(PODS, POD, STARTED)
            clock.now += timedelta(seconds=1)
        told.record(PODS, POD, EventText("kubelet", "Normal", "Killing", "…"))

    found = in_a_cluster(scenario)
    counted = {each["reason"]: (each["count"], each["lastTimestamp"]) for each in found}
    assert counted == {
        "Started": (3, "2026-01-02T03:04:07Z"),
        "Killing": (1, "2026-01-02T03:04:08Z"),
    }


def test_after_a_restart_the_count_goes_on() -> None:
    def scenario(store: Store, told: EventRecorder, clock: Clock) -> None:
        told.record(PODS, POD, STARTED)
        second = EventRecorder(store, clock)
        store.replay()
        second.record(PODS, POD, STARTED)

    assert [each["count"] for each in in_a_cluster(scenario)] == [2]


def test_an_hour_later_an_event_is_gone() -> None:
    def scenario(store: Store, told: EventRecorder, clock: Clock) -> None:
        told.record(PODS, POD, STARTED)
        clock.now += timedelta(minutes=59)
        told.record(PODS, POD, EventText("kubelet", "Normal", "Killing", "…"))
        clock.now += timedelta(minutes=2)

    assert [each["reason"] for each in in_a_cluster(scenario)] == ["Killing"]


def test_of_many_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_recorder, "_AT_MOST", 3)

    def scenario(store: Store, told: EventRecorder, clock: Clock) -> None:
        for number in range(10):
            told.record(PODS, POD, EventText("kubelet", "Normal", "Started", str(number)))

    assert {each["message"] for each in in_a_cluster(scenario)} == {"7", "8", "9"}


def test_nothing_is_said_in_a_namespace_that_goes() -> None:
    def scenario(store: Store, told: EventRecorder, clock: Clock) -> None:
        gone = {"name": "home", "deletionTimestamp": "2026-01-02T03:04:05Z"}
        store.put(NAMESPACES, {"metadata": gone})
        told.record(PODS, POD, STARTED)

    assert in_a_cluster(scenario) == []
