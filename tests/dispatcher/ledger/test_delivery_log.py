"""The delivery log: what is stored, for how long, and what it costs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis

from dispatcher.domain.decision import Decision, Rule
from dispatcher.domain.delivery import Delivery
from dispatcher.domain.outcome import Outcome
from dispatcher.ledger import (
    DeliveryLog,
    Keys,
    LogBounds,
    LogEntry,
    LoggedDelivery,
    SecretUsage,
    Store,
    Submission,
    Submitter,
    WakeUps,
    connect,
)
from dispatcher.ledger.scripts import Scripts
from tests.dispatcher.ledger.helpers import MAIN, push, sha

WIDE = LogBounds(keep=100, keep_for=3600, max_bytes=1024 * 1024)
BODY = b'{"ref": "refs/heads/main"}\xff' * 10


def a_delivery(name: str, body: bytes = BODY, **more: Any) -> Delivery:
    return Delivery(id=name, hook="github", provider="github", body=body, **more)


class Counting(Scripts):
    """Counts round trips."""

    trips = 0

    def _send(self, calls: Any) -> Any:
        self.trips += 1
        return super()._send(calls)


class Hand:
    """Hands deliveries in as web does."""

    def __init__(self, submitter: Submitter, scripts: Counting) -> None:
        self.submitter, self.scripts = submitter, scripts

    def deliver(
        self, name: str, *moves: str, bounds: LogBounds = WIDE, body: bytes = BODY, **more: Any
    ) -> list[Outcome]:
        """Each of `moves` is a push like "0a", from commit to commit."""
        delivery = more.pop("delivery", "") or f"host-{name}"
        decisions = tuple(Decision(target="shop", ref=MAIN, commit=sha(move[1])) for move in moves)
        logged = a_delivery(name, body=body, delivery_id=delivery, decisions=decisions, **more)
        entry = LogEntry.of(logged, bounds)
        submissions = [
            Submission(
                delivery=entry.delivery,
                number=number,
                push=push(move[0], move[1]),
                target="shop",
                keep_for=bounds.keep_for,
            )
            for number, move in enumerate(moves)
        ]
        answer = self.submitter.submit(submissions, entry)
        return [result.outcome for result in answer.result(10)]


@pytest.fixture
def hand(store: Store, redis_url: str, client: redis.Redis) -> Iterator[Hand]:
    scripts = Counting(client)
    with connect(redis_url, text=False) as plain:
        wake_ups = WakeUps(plain, f"queue-{uuid4().hex[:8]}")
        store.scripts = scripts
        with Submitter(store, wake_ups) as submitter:
            yield Hand(submitter, scripts)
        wake_ups.queue.delete(delete_jobs=True)


@pytest.fixture
def log(client: redis.Redis, keys: Keys) -> DeliveryLog:
    return DeliveryLog(Store(client, keys))


def names(log: DeliveryLog) -> list[str]:
    return [each.delivery.id for each in log.newest(1000)]


def the(log: DeliveryLog, name: str) -> LoggedDelivery:
    found = log.find(name)
    assert found
    return found


def test_a_delivery_is_kept_with_its_outcomes_and_its_body(hand: Hand, log: DeliveryLog) -> None:
    assert hand.deliver("one", "0a", "ab", secret="env SECRET") == ["accepted", "coalesced"]

    kept = the(log, "one")
    assert [each and each.outcome for each in kept.results] == ["accepted", "coalesced"]
    assert [each and each.deploy for each in kept.results] == ["shop/1", "shop/1"]
    assert kept.results[1]
    assert kept.results[1].reason.startswith("shop/1 was waiting")
    assert kept.at > 0
    assert (kept.delivery.body_bytes, log.body("one")) == (len(BODY), BODY)


def test_what_was_decided_before_the_ledger_was_asked_is_reported_too(
    hand: Hand, log: DeliveryLog
) -> None:
    why = "no file matches"
    decided = Decision(target="docs", ref=MAIN, commit=sha("a"), rule=Rule.BRANCHES, reason=why)
    delivery = a_delivery("one", decisions=(decided,))
    hand.submitter.submit((), LogEntry.of(delivery, WIDE)).result(10)

    (result,) = the(log, "one").results
    assert result
    assert (result.outcome, result.reason) == (Outcome.FILTERED, "no file matches")


def test_no_round_trip_is_added(hand: Hand) -> None:
    hand.deliver("one", "0a")
    before = hand.scripts.trips

    hand.deliver("two", "ab")

    assert hand.scripts.trips == before + 1


def test_the_first_delivery_after_the_scripts_were_lost_is_whole(
    hand: Hand, log: DeliveryLog, client: redis.Redis
) -> None:
    hand.deliver("one", "0a")
    client.script_flush()
    hand.deliver("two", "ab")

    assert [each and each.outcome for each in the(log, "two").results] == ["coalesced"]


def test_a_repeated_delivery_is_kept_as_what_it_is(hand: Hand, log: DeliveryLog) -> None:
    hand.deliver("one", "0a", delivery="same")
    hand.deliver("two", "0a", delivery="same")

    (first,), (again,) = the(log, "one").results, the(log, "two").results
    assert first
    assert again
    assert first.reason == "a new commit"
    assert again.reason == "this delivery came before; its answer was: a new commit"


def test_it_is_found_by_the_host_s_id_too_and_then_the_newest(hand: Hand, log: DeliveryLog) -> None:
    hand.deliver("one", "0a", delivery="same")
    hand.deliver("two", "ab", delivery="same")
    hand.deliver("three", "bc")

    assert the(log, "same").delivery.id == "two"
    assert the(log, "one").delivery.id == "one"
    assert log.find("nothing") is None


def test_the_newest_come_first_also_those_of_one_millisecond(hand: Hand, log: DeliveryLog) -> None:
    for number in range(30):
        hand.deliver(f"d{number}")

    assert names(log) == [f"d{number}" for number in reversed(range(30))]
    assert [each.delivery.id for each in log.newest(2)] == ["d29", "d28"]


def test_as_many_are_kept_as_may_be(
    hand: Hand, log: DeliveryLog, client: redis.Redis, keys: Keys
) -> None:
    for number in range(9):
        hand.deliver(f"d{number}", bounds=LogBounds(keep=3, keep_for=60, max_bytes=2**20))

    assert names(log) == ["d8", "d7", "d6"]
    assert log.find("d1") is None
    # What made room with the last one goes with the next.
    assert len([*client.scan_iter(match=keys.logged_delivery("*"))]) <= 4


def test_bytes_are_bounded_whatever_the_number(
    hand: Hand, log: DeliveryLog, client: redis.Redis, keys: Keys
) -> None:
    noise = random.Random(1)  # which zlib makes no smaller
    bounds = LogBounds(keep=100, keep_for=60, max_bytes=10_000)
    for number in range(30):
        hand.deliver(f"d{number}", bounds=bounds, body=noise.randbytes(1000))

    kept = log.newest(100)
    assert 5 <= len(kept) <= 10
    assert int(str(client.hget(keys.delivery_log_sizes, "total"))) <= 10_000
    stored = sum(
        int(client.hstrlen(keys.logged_delivery(k.delivery.id), f))
        for k in kept
        for f in ("entry", "body")
    )
    assert stored == int(str(client.hget(keys.delivery_log_sizes, "total")))


def test_a_body_without_room_is_left_out(hand: Hand, log: DeliveryLog) -> None:
    body = random.Random(1).randbytes(3000)
    hand.deliver("one", "0a", bounds=LogBounds(keep=9, keep_for=60, max_bytes=10_000), body=body)

    kept = the(log, "one")
    assert (kept.delivery.body_stored, kept.delivery.body_bytes, log.body("one")) == (
        False,
        3000,
        None,
    )
    assert [each and each.outcome for each in kept.results] == ["accepted"]


def test_age_is_bounded_by_redis_itself(hand: Hand, client: redis.Redis, keys: Keys) -> None:
    hand.deliver("one", "0a", bounds=LogBounds(keep=9, keep_for=70, max_bytes=2**20))

    for key in (keys.logged_delivery("one"), keys.delivery_log_order, keys.delivery_log_sizes):
        assert 60 < client.ttl(key) <= 70


def test_what_has_expired_is_not_listed(
    hand: Hand, log: DeliveryLog, client: redis.Redis, keys: Keys
) -> None:
    hand.deliver("one", "0a")
    hand.deliver("two", "ab")
    client.delete(keys.logged_delivery("one"))

    assert names(log) == ["two"]


def test_a_bound_that_was_lowered_counts_from_the_next_delivery_on(
    hand: Hand, log: DeliveryLog
) -> None:
    for number in range(8):
        hand.deliver(f"d{number}")
    hand.deliver("d8", bounds=LogBounds(keep=2, keep_for=60, max_bytes=2**20))

    assert names(log) == ["d8", "d7"]


def test_nothing_is_kept_where_nothing_may_be(
    hand: Hand, log: DeliveryLog, client: redis.Redis, keys: Keys
) -> None:
    hand.deliver("one", "0a")
    none = LogBounds(keep=0, keep_for=60, max_bytes=2**20)
    delivery = a_delivery("two", secret="env A")
    hand.submitter.submit((), LogEntry.of(delivery, none)).result(10)

    assert names(log) == []
    assert not client.exists(keys.logged_delivery("two"))
    assert SecretUsage(Store(client, keys)).used().keys() == {("github", "env A")}


def test_when_a_secret_was_last_used(hand: Hand, client: redis.Redis, keys: Keys) -> None:
    usage = SecretUsage(Store(client, keys))
    hand.deliver("one", "0a", secret="env OLD")
    first = usage.used()
    hand.deliver("two", "ab", secret="file /run/secrets/new one")

    used = usage.used()
    assert first.keys() == {("github", "env OLD")}
    assert used["github", "env OLD"] == first["github", "env OLD"]
    assert used["github", "file /run/secrets/new one"] >= used["github", "env OLD"]


def test_rejections_are_counted(client: redis.Redis, keys: Keys) -> None:
    usage = SecretUsage(Store(client, keys))
    usage.count({("github", "signature_missing"): 2, ("", "signature_mismatch"): 5})
    usage.count({("", "signature_mismatch"): 1})

    assert usage.rejections() == {
        ("github", "signature_missing"): 2,
        ("", "signature_mismatch"): 6,
    }


def test_neither_body_nor_secret_is_in_what_is_printed(hand: Hand, log: DeliveryLog) -> None:
    delivery = a_delivery("one", body=b"private")
    record = LogEntry.of(delivery, WIDE)

    assert "body=" not in repr(record)
    assert "private" not in repr(record)
    assert "private" not in repr(delivery)
