"""Group commit: what waits for what, counted in groups and calls, never in seconds of a clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any
from uuid import uuid4

import pytest
import redis

from dispatcher.domain.delivery import Delivery
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.domain.push import Push
from dispatcher.ledger import (
    DeliveryLog,
    Keys,
    LogBounds,
    LogEntry,
    Store,
    Submitter,
    WakeUps,
    connect,
)
from dispatcher.ledger.group_size import BUDGET
from dispatcher.ledger.scripts import Scripts
from dispatcher.ledger.submitter import LONGEST_QUEUE, MOST_RECORDS
from tests.dispatcher.ledger.helpers import a_submission, sha
from tests.waiting import eventually

TRIP, EACH = 0.001, 0.0005
"""Seconds of the tests' clock for a round trip, and for each push."""


class Watched(Scripts):
    """Notes each group, can hold the first one back, and moves the tests' clock."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self._load({"submit", "log_delivery"})
        self.groups: list[list[str]] = []
        """Of each: the hooks, by the delivery ids of the pushes."""
        self.free, self.seconds, self.fails = threading.Event(), 0.0, False
        self.entered = threading.Event()

    def _send(self, calls: Any) -> Any:
        self.entered.set()
        assert self.free.wait(30)
        self.groups.append([call.args[0].delivery for call in calls if call.script == "submit"])
        self.seconds += TRIP + EACH * len(calls)
        if self.fails:
            raise redis.ConnectionError("gone")
        return super()._send(calls)

    def groups_until(self, delivery: str) -> int:
        """How many groups were sent before the delivery's last push was in one."""
        return max(at for at, group in enumerate(self.groups) if delivery in group)


class Intake:
    """Hands deliveries in while the first group is held back, so that all of them wait together."""

    def __init__(self, submitter: Submitter, scripts: Watched) -> None:
        self.submitter, self.scripts = submitter, scripts
        self.first = self.deliver("first", "plug")
        assert scripts.entered.wait(30)

    def deliver(
        self, delivery: str, hook: str, pushes: int = 1, repository: str = "x", **more: Any
    ) -> Future[list[Result]]:
        each = [
            Push(
                repository=f"git.example.com/{repository}",
                ref=f"refs/heads/{delivery}-{number}",
                before="0" * 40,
                after=sha(f"{delivery} {number}"),
            )
            for number in range(pushes)
        ]
        return self.submitter.submit(
            [a_submission(p, hook, delivery, hook=hook, **more) for p in each]
        )

    def go_on(self) -> None:
        self.scripts.free.set()
        self.first.result(30)


@pytest.fixture
def intake(store: Store, redis_url: str, client: redis.Redis) -> Iterator[Intake]:
    scripts = Watched(client)
    with connect(redis_url, text=False) as plain:
        wake_ups = WakeUps(plain, f"queue-{uuid4().hex[:8]}")
        store.scripts = scripts
        with Submitter(store, wake_ups, clock=lambda: scripts.seconds) as submitter:
            intake = Intake(submitter, scripts)
            yield intake
            scripts.free.set()
        wake_ups.queue.delete(delete_jobs=True)


def test_a_small_delivery_passes_a_large_one(intake: Intake) -> None:
    large = intake.deliver("large", "a", 1000)
    small = intake.deliver("small", "b", 2)
    intake.go_on()

    assert len(small.result(30)) == 2
    assert len(large.result(30)) == 1000
    assert intake.scripts.groups_until("small") == 1
    assert intake.scripts.groups_until("large") > 10


def test_of_one_hook_another_repository_passes(intake: Intake) -> None:
    intake.deliver("large", "a", 1000, repository="x")
    small = intake.deliver("small", "a", 1, repository="y")
    intake.go_on()
    small.result(30)

    assert intake.scripts.groups_until("small") == 1


def test_of_one_repository_nothing_passes(intake: Intake) -> None:
    """The order of arrival counts where the chain of commits says nothing."""
    intake.deliver("large", "a", 100)
    small = intake.deliver("small", "a", 1)
    intake.go_on()
    small.result(30)

    sent = [delivery for group in intake.scripts.groups for delivery in group]
    assert sent == ["first", *["large"] * 100, "small"]


def test_nobody_waits_longer_because_another_sends_more(intake: Intake) -> None:
    floods = [intake.deliver(f"flood-{n}", "a", 50, repository=f"{n}") for n in range(20)]
    others = [intake.deliver(f"other-{hook}", hook, 3) for hook in "bcd"]
    intake.go_on()
    for each in [*others, *floods]:
        each.result(30)

    assert max(intake.scripts.groups_until(f"other-{hook}") for hook in "bcd") == 1


def test_a_group_is_bounded_by_time(intake: Intake) -> None:
    answer = intake.deliver("large", "a", 1000)
    intake.go_on()
    answer.result(30)

    sizes = [len(group) for group in intake.scripts.groups]
    assert sum(sizes) == 1001
    assert max(sizes) * EACH <= 1.2 * BUDGET
    assert len(sizes) <= 2 * 1000 * EACH / BUDGET


def test_a_delivery_in_slices_is_answered_once_in_its_order(intake: Intake) -> None:
    answer = intake.deliver("large", "a", 300)
    answers: list[int] = []
    answer.add_done_callback(lambda future: answers.append(len(future.result())))
    intake.go_on()

    results = answer.result(30)

    assert [each.ref for each in results] == [f"refs/heads/large-{n}" for n in range(300)]
    assert {each.outcome for each in results} == {Outcome.ACCEPTED}
    assert eventually(lambda: answers)  # its thread calls back after it has set the result
    assert answers == [300]


def test_beyond_the_bound_each_is_told_so(intake: Intake) -> None:
    answer = intake.deliver("large", "a", 5, most_open=2)
    intake.go_on()

    outcomes = [each.outcome for each in answer.result(30)]

    assert outcomes == [Outcome.ACCEPTED] * 2 + [Outcome.REJECTED] * 3


def test_without_redis_a_large_delivery_is_given_up_at_the_first_group(intake: Intake) -> None:
    """And not tried group after group, while others wait."""
    intake.go_on()
    intake.scripts.free.clear()
    intake.deliver("plug", "plug")
    large = intake.deliver("large", "a", 1000)
    intake.scripts.fails = True
    intake.scripts.free.set()

    with pytest.raises(LedgerUnavailable):
        large.result(30)
    intake.scripts.fails = False
    assert intake.deliver("later", "a").result(30)
    sent = [delivery for group in intake.scripts.groups for delivery in group]
    assert sent.count("large") < 100


def test_one_push_s_trouble_keeps_no_other_from_being_recorded(
    intake: Intake, store: Store
) -> None:
    """The delivery is answered with it once all others are through."""
    (answer, other) = intake.deliver("large", "a", 3), intake.deliver("small", "b")
    store.client.set(store.keys.chain("a", "refs/heads/large-0"), "no hash")
    intake.go_on()

    with pytest.raises(LedgerUnavailable):
        answer.result(30)
    assert other.result(30)
    assert store.client.hlen(store.keys.deploys("a")) == 2


def test_who_waits_no_longer_costs_nothing(intake: Intake) -> None:
    given_up = intake.deliver("given-up", "a", 1000)
    assert given_up.cancel()
    answer = intake.deliver("other", "a")
    intake.go_on()
    answer.result(30)

    assert [delivery for group in intake.scripts.groups for delivery in group] == ["first", "other"]


def test_a_hook_that_fills_the_queue_fills_its_own_share(intake: Intake) -> None:
    """One push is enough to be taken in, however many it has: then its hook has had its share."""
    intake.deliver("large", "a", LONGEST_QUEUE)
    more = intake.deliver("more", "a")
    other = intake.deliver("other", "b")

    with pytest.raises(LedgerUnavailable, match="too many pushes"):
        more.result(0)
    assert not other.done()
    intake.scripts.fails = True  # the test ends without recording what fills the queue


def test_what_nobody_waits_for_takes_less_room(intake: Intake) -> None:
    bounds = LogBounds(keep=10, keep_for=60, max_bytes=1000)
    intake.deliver("large", "a", MOST_RECORDS)

    of = LogEntry.of(Delivery(id="e", hook="a", provider="github", body=b"{}"), bounds)

    with pytest.raises(LedgerUnavailable, match="too many pushes"):
        intake.submitter.submit((), of).result(0)


def test_a_large_delivery_leaves_no_body_behind(
    intake: Intake, client: redis.Redis, keys: Keys
) -> None:
    """Those that made room for others go with what comes next, however many groups are between."""
    intake.go_on()
    bounds = LogBounds(keep=2, keep_for=3600, max_bytes=1024 * 1024)
    for name in "abcdef":
        record = LogEntry.of(Delivery(id=name, hook="a", provider="github", body=b"{}"), bounds)
        intake.submitter.submit((), record).result(30)
        intake.deliver(f"large-{name}", "a", 200).result(30)

    kept = {kept.delivery.id for kept in DeliveryLog(Store(client, keys)).newest(10)}
    bodies = {name for name in "abcdef" if client.exists(keys.logged_delivery(name))}
    assert kept == {"e", "f"}
    assert bodies <= {"d", *kept}


def test_a_body_whose_deletion_failed_goes_with_a_later_call(
    intake: Intake, client: redis.Redis, keys: Keys
) -> None:
    intake.go_on()
    bounds = LogBounds(keep=1, keep_for=3600, max_bytes=1024 * 1024)

    def keep(name: str) -> None:
        delivery = Delivery(id=name, hook="a", provider="github", secret="env SECRET", body=b"{}")
        intake.submitter.submit((), LogEntry.of(delivery, bounds)).result(30)

    keep("a")
    keep("b")  # "a" makes room, and would go with the next one
    client.delete(keys.used)
    client.set(keys.used, "no hash")
    keep("c")
    client.delete(keys.used)
    keep("d")

    assert not client.exists(keys.logged_delivery("a"))
