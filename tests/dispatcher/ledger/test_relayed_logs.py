"""Relayed logs in the ledger: bounded, short-lived, fenced; and requests that reach whoever leads next."""

from __future__ import annotations

import asyncio

import pytest

from dispatcher.domain.errors import LeadershipLost
from dispatcher.domain.log import LogEnd, LogLine, LogName, LogPart, LogRequest
from dispatcher.ledger import (
    Keys,
    Leadership,
    LogReader,
    LogRequests,
    RelayedLogs,
    RelayedPart,
    Retention,
    Store,
)
from dispatcher.ledger.retention import RelayBounds

NAME = LogName(target="shop", number=1)


def lines(*texts: str) -> LogPart:
    return LogPart(lines=tuple(LogLine(1, at, text) for at, text in enumerate(texts)))


def read(redis_url: str, keys: Keys, id: str = "0-0") -> list[RelayedPart]:
    async def all_of_it() -> list[RelayedPart]:
        reader = LogReader(redis_url, keys, 1)
        try:
            return await reader.after(NAME, id, 0.01)
        finally:
            await reader.close()

    return asyncio.run(all_of_it())


def test_parts_are_read_in_their_order_with_the_lines_before_them(
    store: Store, redis_url: str
) -> None:
    logs = RelayedLogs(store)
    logs.append([(NAME, lines("one", "two")), (NAME, LogPart(waits="for more"))])
    (total,) = logs.append([(NAME, lines("three"))])

    parts = read(redis_url, store.keys)

    assert [(part.first, len(part.part.lines)) for part in parts] == [(0, 2), (2, 0), (2, 1)]
    assert parts[-1].bytes == total
    assert read(redis_url, store.keys, parts[1].id) == parts[2:]
    assert logs.last(NAME) == lines("three")


def test_a_part_that_is_sent_again_is_there_once(store: Store, redis_url: str) -> None:
    logs = RelayedLogs(store)

    assert logs.append([(NAME, lines("one"))]) == logs.append([(NAME, lines("one"))])
    assert len(read(redis_url, store.keys)) == 1


def test_it_is_bounded_in_bytes_and_in_entries(store: Store, redis_url: str) -> None:
    store.retention = Retention(relayed=RelayBounds(entries=10, bytes=2_000))
    logs = RelayedLogs(store)

    for number in range(50):
        logs.append([(NAME, lines(f"{number} " + "x" * 500))])
    assert 1 < len(read(redis_url, store.keys)) <= 4
    for number in range(50):
        logs.append([(NAME, lines(str(number)))])
    parts = read(redis_url, store.keys)

    assert len(parts) == 10
    assert parts[0].first == 90
    assert 0 < store.client.pttl(store.keys.log(NAME)) <= store.retention.relayed_for


def test_only_the_watcher_that_leads_writes(store: Store) -> None:
    leadership = Leadership(store, "mine")
    logs = RelayedLogs(leadership.store)
    assert leadership.acquire()
    logs.append([(NAME, lines("one"))])
    store.client.set(store.keys.leader, "another")

    with pytest.raises(LeadershipLost):
        logs.append([(NAME, LogPart(end=LogEnd.COMPLETE))])
    assert logs.last(NAME) == lines("one")


def test_whoever_leads_next_hears_of_those_who_read(store: Store, redis_url: str) -> None:
    request = LogRequest(log=NAME, reader="r", read=7)

    async def ask() -> None:
        reader = LogReader(redis_url, store.keys, 1)
        await reader.ask(request)
        await reader.close()

    asyncio.run(ask())
    for _ in range(2):
        requests = LogRequests(store)
        requests.begin()
        assert requests.wait(10).requests == (request,)
        assert requests.wait(10).requests == ()
