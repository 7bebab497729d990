"""What a process sees of Redis: its round trips, and whether it answers and writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dispatcher.ledger import Keys, Store, connect
from dispatcher.metrics.ledger import LedgerMetrics, LedgerProbe
from dispatcher.metrics.registry import Registry
from tests.conftest import start_valkey
from tests.dispatcher.metrics.scrapes import Scrape

COUNT = "ledger_round_trip_duration_seconds_count"


@pytest.fixture
def registry() -> Registry:
    return Registry("worker")


@pytest.fixture
def observed(redis_url: str, registry: Registry) -> Iterator[redis.Redis]:
    with connect(redis_url, observe=LedgerMetrics(registry).round_trip) as client:
        yield client


def test_a_command_and_a_pipeline_are_one_round_trip_each(
    observed: redis.Redis, registry: Registry
) -> None:
    observed.time()
    pipeline = observed.pipeline(transaction=False)
    for _ in range(10):
        pipeline.time()
    pipeline.execute()

    assert Scrape.of(registry).value(COUNT) == 2


def test_a_command_that_waits_says_nothing_of_redis(
    observed: redis.Redis, registry: Registry, keys: Keys
) -> None:
    observed.xread({keys.events: "$"}, block=1)

    assert Scrape.of(registry).value(COUNT) == 0


def test_a_refused_command_and_a_lost_connection_are_told_apart(
    observed: redis.Redis, registry: Registry, tmp_path: Path, keys: Keys
) -> None:
    observed.set(keys.leader, "text")
    with pytest.raises(redis.ResponseError):
        observed.hgetall(keys.leader)
    away = connect(f"unix://{tmp_path}/no.sock", observe=observed.observe)  # type: ignore[attr-defined]
    with pytest.raises(redis.ConnectionError):
        away.time()

    found = Scrape.of(registry)

    assert found.value("ledger_errors_total", error="refused") == 1
    assert found.value("ledger_errors_total", error="connection") == 1


def test_redis_away_is_not_the_same_as_redis_that_does_not_write(
    registry: Registry, tmp_path: Path, keys: Keys
) -> None:
    with start_valkey(tmp_path) as url, connect(url) as client:
        LedgerProbe(registry, Store(client, keys))
        well = Scrape.of(registry)
        client.config_set("maxmemory", 1)
        full = Scrape.of(registry)
    gone = Scrape.of(registry)

    for found, up, writable in ((well, 1, 1), (full, 1, 0), (gone, 0, 0)):
        assert (found.value("ledger_up"), found.value("ledger_writable")) == (up, writable)
