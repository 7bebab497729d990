"""One read of Redis for all subscribers, none of whom anybody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.event import Event, EventKind
from dispatcher.http.events import hub as hub_module
from dispatcher.http.events.hub import End, EventHub
from dispatcher.http.responses import ErrorResponse
from dispatcher.ledger import StreamedEvent


def happened(id: str) -> StreamedEvent:
    event = Event(kind=EventKind.CREATED, at=1)
    return StreamedEvent(id=id, target="shop", number=1, ref="r", commit="c", event=event)


class FakeEvents:
    """What Redis answers to one read after another."""

    def __init__(self, *reads: Sequence[StreamedEvent] | LedgerUnavailable) -> None:
        self.reads = list(reads)
        self.asked: list[str] = []

    def newest(self) -> str:
        return "5-0"

    def after(self, id: str, most: int, block: int = 0) -> Sequence[StreamedEvent]:
        self.asked.append(id)
        found = self.reads.pop(0)
        if isinstance(found, LedgerUnavailable):
            raise found
        return found


async def _no_pause(seconds: float) -> None:
    pass


def a_hub(*reads: Sequence[StreamedEvent] | LedgerUnavailable, most: int = 9) -> EventHub:
    return EventHub(FakeEvents(*reads), most, most, _no_pause)  # type: ignore[arg-type]


def test_each_event_is_read_once_and_comes_to_each_subscriber() -> None:
    async def story() -> None:
        hub = a_hub([happened("6-0"), happened("7-0")], [happened("8-0")])
        one, other = hub.subscribe("ann"), hub.subscribe("bob")

        await hub.follow()
        await hub.ready()
        await hub.follow()

        for each in (one, other):
            assert [event.id for event in await each.take(1)] == ["6-0", "7-0", "8-0"]
        assert hub._events.asked == ["5-0", "7-0"]  # type: ignore[attr-defined]

    asyncio.run(story())


def test_without_a_subscriber_nothing_is_read() -> None:
    async def story() -> None:
        hub = a_hub([happened("6-0")])
        round_ = asyncio.ensure_future(hub.follow())
        await asyncio.sleep(0)
        assert not round_.done()

        subscription = hub.subscribe("ann")
        await round_

        assert len(await subscription.take(1)) == 1

    asyncio.run(story())


def test_who_is_too_far_behind_is_cut_off_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "BEHIND", 1)

    async def story() -> None:
        hub = a_hub([happened("6-0")], [happened("7-0")])
        slow, quick = hub.subscribe("ann"), hub.subscribe("bob")
        await hub.follow()
        await quick.take(1)
        await hub.follow()

        assert (slow.end, await slow.take(1)) == (End.SLOW, [])
        assert quick.end is None
        assert [event.id for event in await quick.take(1)] == ["7-0"]

    asyncio.run(story())


def test_when_redis_was_away_everybody_begins_anew() -> None:
    async def story() -> None:
        hub = a_hub(LedgerUnavailable("away"), [])
        subscription = hub.subscribe("ann")

        await hub.follow()

        assert subscription.end is End.INTERRUPTED
        hub.leave(subscription)
        hub.subscribe("ann")
        await hub.follow()
        await hub.ready()

    asyncio.run(story())


def test_who_waits_for_an_absent_redis_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "READY_WITHIN", 0.01)

    async def story() -> None:
        with pytest.raises(LedgerUnavailable):
            await a_hub().ready()

    asyncio.run(story())


def test_when_the_process_stops_all_end_and_nobody_comes() -> None:
    async def story() -> None:
        hub = a_hub()
        subscription = hub.subscribe("ann")

        hub.stop()

        assert (subscription.end, await subscription.take(1)) == (End.STOPPED, [])
        with pytest.raises(ErrorResponse) as refused:
            hub.subscribe("bob")
        assert (refused.value.status, refused.value.code) == (503, "busy")

    asyncio.run(story())


def test_who_leaves_makes_room_once() -> None:
    async def story() -> None:
        hub = a_hub(most=1)
        first = hub.subscribe("ann")
        with pytest.raises(ErrorResponse):
            hub.subscribe("bob")
        hub.leave(first)
        hub.leave(first)

        hub.subscribe("bob")

        assert hub.subscribers == 1

    asyncio.run(story())
