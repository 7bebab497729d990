"""Heartbeats in the ledger: who was there lately, bounded in number and in time."""

from __future__ import annotations

from typing import Any

import redis

from dispatcher.domain.process import ProcessKind, ProcessRecord
from dispatcher.ledger import Keys, Processes, Retention, Store


def process(name: str, pid: int = 1, **more: Any) -> ProcessRecord:
    return ProcessRecord(
        name=name, kind=ProcessKind.WORKER, host="here", pid=pid, version="1", **more
    )


def names(store: Store) -> list[str]:
    return [each.process.name for each in Processes(store).roll().heartbeats]


def test_a_process_is_listed_with_its_last_heartbeat_by_redis_clock(store: Store) -> None:
    processes, before = Processes(store), store.now()

    processes.beat(process("a", state="leads"))
    processes.beat(process("a", state="stands by"))

    (found,) = processes.roll().heartbeats
    assert found.process.state == "stands by"
    assert before <= found.at <= processes.roll().now


def test_one_that_was_silent_for_long_is_forgotten(client: redis.Redis, keys: Keys) -> None:
    store = Store(client, keys, Retention(processes=60_000))
    Processes(store).beat(process("old", 1))
    client.zadd(keys.heartbeats, {"old": store.now() - 60_001})

    Processes(store).beat(process("new", 2))

    assert names(store) == ["new"]
    assert client.hkeys(keys.processes) == ["new"]


def test_of_too_many_the_newest_are_kept(client: redis.Redis, keys: Keys) -> None:
    store = Store(client, keys, Retention(most_processes=3))

    for number in range(5):
        Processes(store).beat(process(f"p{number}", number))
        client.zadd(keys.heartbeats, {f"p{number}": store.now() - 1000 + number})

    assert names(store) == ["p4", "p3", "p2"]


def test_without_any_process_nothing_is_left(store: Store, client: redis.Redis, keys: Keys) -> None:
    Processes(store).beat(process("a"))

    assert 0 < client.pttl(keys.processes) <= store.retention.processes
    assert 0 < client.pttl(keys.heartbeats) <= store.retention.processes


def test_a_container_that_was_started_again_replaces_the_one_before(
    store: Store, client: redis.Redis, keys: Keys
) -> None:
    Processes(store).beat(process("killed"))
    client.zadd(keys.heartbeats, {"killed": store.now() - 1000})

    Processes(store).beat(process("again"))

    assert names(store) == ["again"]


def test_what_no_worker_takes_counts_until_it_is_resolved_and_not_for_ever(
    store: Store, client: redis.Redis, keys: Keys
) -> None:
    processes = Processes(store)

    processes.report_untaken(12345)

    assert processes.roll().untaken_since == 12345
    assert client.pttl(keys.untaken) > 0
    processes.resolve_untaken()
    assert processes.roll().untaken_since == 0
