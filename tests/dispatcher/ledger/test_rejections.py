"""Unauthenticated requests are counted: for a while, for an address and for a hook."""

from __future__ import annotations

import pytest
import redis

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.ledger import (
    AuthFailures,
    Keys,
    RateLimitResult,
    RateLimits,
    Retention,
    Store,
    connect,
)
from dispatcher.local.ports import free_port
from tests.waiting import eventually


def failures(
    client: redis.Redis, keys: Keys, *, address: int = 2, hook: int = 0, window: int = 60_000
) -> AuthFailures:
    return AuthFailures(
        Store(client, keys, Retention(auth_failures=window)), RateLimits(address, hook)
    )


def test_the_first_few_are_free(client: redis.Redis, keys: Keys) -> None:
    counted = failures(client, keys)

    assert [counted.count("192.0.2.1", "github") for _ in range(2)] == [
        RateLimitResult(),
        RateLimitResult(),
    ]
    beyond = [counted.count("192.0.2.1", "github") for _ in range(2)]

    assert [each.first for each in beyond] == [True, False]
    assert all(59_000 < each.wait <= 60_000 for each in beyond)
    assert counted.count("192.0.2.2", "github") == RateLimitResult()


def test_all_processes_count_together(client: redis.Redis, redis_url: str, keys: Keys) -> None:
    with connect(redis_url) as another:
        for each in (client, another):
            failures(each, keys).count("192.0.2.1", "github")
        assert failures(client, keys).count("192.0.2.1", "github").wait


def test_a_hook_has_a_limit_too_whoever_comes(client: redis.Redis, keys: Keys) -> None:
    counted = failures(client, keys, hook=3)

    told = [counted.count(f"192.0.2.{n}", "github") for n in range(4)]

    assert [bool(each.wait) for each in told] == [False, False, False, True]
    assert told[3].first
    assert counted.count("192.0.2.9", "gitlab") == RateLimitResult()


def test_who_has_had_his_share_uses_up_no_other(client: redis.Redis, keys: Keys) -> None:
    counted = failures(client, keys, hook=3)
    for _ in range(50):
        counted.count("192.0.2.1", "github")

    assert counted.count("192.0.2.2", "github") == RateLimitResult()


def test_zero_is_no_limit_and_keeps_nothing(client: redis.Redis, keys: Keys) -> None:
    counted = failures(client, keys, address=0)

    assert [counted.count("192.0.2.1", "github") for _ in range(5)] == [RateLimitResult()] * 5
    assert not client.exists(keys.auth_failures_from("192.0.2.1"), keys.auth_failures_at("github"))


def test_it_is_over_when_the_window_is(client: redis.Redis, keys: Keys) -> None:
    counted = failures(client, keys, address=1, hook=1, window=60_000)
    counted.count("192.0.2.1", "github")
    wait = counted.count("192.0.2.1", "github").wait
    assert 0 < wait <= 60_000

    for key in (keys.auth_failures_from("192.0.2.1"), keys.auth_failures_at("github")):
        assert client.pttl(key) > 0
        client.pexpire(key, 1)
        assert eventually(lambda key=key: not client.exists(key))  # type: ignore[misc]

    assert counted.count("192.0.2.1", "github") == RateLimitResult()


def test_every_key_expires_and_hooks_that_are_not_there_have_few(
    client: redis.Redis, keys: Keys
) -> None:
    counted = failures(client, keys, address=1000, hook=1000)
    for number in range(200):
        counted.count("192.0.2.1", f"no-{number}")
    found = [*client.scan_iter(match=f"{keys.prefix}*")]

    assert all(0 < client.pttl(key) <= 60_000 for key in found)
    assert len({keys.auth_failures_at(f"no-{number}") for number in range(100_000)}) <= 4096


def test_a_count_without_an_end_is_given_one(client: redis.Redis, keys: Keys) -> None:
    client.set(keys.auth_failures_from("192.0.2.1"), 7)

    assert failures(client, keys).count("192.0.2.1", "github").wait > 59_000


def test_without_redis(keys: Keys) -> None:
    with connect(f"redis://127.0.0.1:{free_port()}/0") as client, pytest.raises(LedgerUnavailable):
        failures(client, keys).count("192.0.2.1", "github")
