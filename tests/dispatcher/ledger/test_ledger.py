"""Leases, compare-and-set, observations, wake-ups: against a real server."""

from __future__ import annotations

from typing import Any, cast

import pytest
from msgspec.structs import replace

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from dispatcher.domain.errors import IllegalTransition, LeaseLost, LedgerUnavailable
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Policies, Spec
from dispatcher.domain.transitions import check_transition
from dispatcher.ledger import (
    Events,
    Keys,
    Leadership,
    Leased,
    Listings,
    Observations,
    Publisher,
    Reader,
    RecordResult,
    Retention,
    Schedule,
    Store,
    Targets,
    Timeouts,
    connect,
)
from dispatcher.local.ports import free_port
from tests.dispatcher.ledger.helpers import Watched, push, sha, submit, taken
from tests.waiting import eventually

JOB = ObservedJob(namespace="ns", job="shop-1", uid="u", rv="5", number=1, token="t")


def hold(store: Store, token: str = "mine") -> Snapshot:
    found = Targets(store).acquire("shop", token)
    assert isinstance(found, Snapshot)
    return found


def start(store: Store) -> Snapshot:
    """shop/1 is starting and its Job is known; the lease is let go."""
    submit(store, push("0", "a"))
    seen = hold(store)
    starting = replace(seen.deploys[0], state=State.STARTING, attempt=1, job="shop-1", uid="u")
    Targets(store).record(seen, "mine", deploys=[starting], new_jobs=[JOB], release=True)
    return seen


def test_one_worker_at_a_time(store: Store) -> None:
    hold(store)

    other = Targets(store).acquire("shop", "another")

    assert isinstance(other, Leased)
    assert 0 < other.milliseconds <= store.timeouts.lease


def test_a_lease_runs_out_and_its_late_holder_writes_nothing(client: object, keys: Keys) -> None:
    store = Store(client, keys, timeouts=Timeouts(lease=50))  # type: ignore[arg-type]
    submit(store, push("0", "a"))
    seen = hold(store)

    assert eventually(lambda: isinstance(Targets(store).acquire("shop", "another"), Snapshot))

    with pytest.raises(LeaseLost):
        Targets(store).record(
            seen, "mine", deploys=[replace(seen.deploys[0], state=State.STARTING)]
        )
    assert Targets(store).acquire("shop", "another").deploys[0].state is State.PENDING  # type: ignore[union-attr]


def test_a_transition_that_the_table_does_not_have_is_refused(store: Store) -> None:
    submit(store, push("0", "a"))
    (waiting,) = hold(store).deploys

    check_transition(waiting, replace(waiting, state=State.STARTING))
    with pytest.raises(IllegalTransition, match="from pending to running"):
        check_transition(waiting, replace(waiting, state=State.RUNNING))
    with pytest.raises(IllegalTransition, match="from nothing to succeeded"):
        check_transition(None, replace(waiting, state=State.SUCCEEDED))


def test_what_happens_while_a_worker_holds_the_target_makes_it_look_again(store: Store) -> None:
    seen = hold(store)
    result = submit(store, push("0", "a"))

    assert result.outcome is Outcome.ACCEPTED
    assert Targets(store).record(seen, "mine", release=True) is RecordResult.AGAIN
    assert Targets(store).record(hold(store), "mine", release=True) is RecordResult.OK


def test_who_is_woken_while_a_worker_holds_it_is_looked_at_once_more(store: Store) -> None:
    """The cluster was listed, say, or the configuration is new: the worker may have read before that."""
    seen = hold(store)

    assert Schedule(store).wake(["shop"], "the cluster is listed") == []

    assert Targets(store).record(seen, "mine", release=True) is RecordResult.AGAIN
    assert Targets(store).record(hold(store), "mine", release=True) is RecordResult.OK


def test_who_is_due_while_a_worker_holds_it_is_in_good_hands(store: Store) -> None:
    seen = hold(store)

    assert Schedule(store).due(store.now() + 60_000) == []

    assert Targets(store).record(seen, "mine", release=True) is RecordResult.OK


def test_the_first_push_asks_for_a_wake_up_and_the_next_ones_do_not(store: Store) -> None:
    calls = [push("0", "a"), push("a", "b")]
    woken = []
    for each in calls:
        submit(store, each)
        woken.append(store.client.hget(store.keys.row("shop"), "wakes"))

    assert woken == ["1", "1"]


def test_a_wake_up_that_nobody_answers_comes_again_later_and_later(
    client: object, keys: Keys
) -> None:
    store = Store(client, keys, timeouts=Timeouts(wake_up=10_000))  # type: ignore[arg-type]
    submit(store, push("0", "a"))
    now = store.now()

    waits = []
    for _ in range(3):
        due = store.client.zscore(store.keys.due, "shop")
        assert isinstance(due, float)
        (wake_up,) = Schedule(store).due(int(due))
        assert wake_up.target == "shop"
        later = store.client.zscore(store.keys.due, "shop")
        assert isinstance(later, float)
        waits.append(later - now)

    assert waits[0] < waits[1] < waits[2]
    assert Schedule(store).due(now) == []


def test_a_target_that_is_held_is_not_woken(store: Store) -> None:
    hold(store)

    assert Schedule(store).wake(["shop"], "because") == []


def test_facts_that_change_nothing_for_a_plan_wake_nobody(store: Store) -> None:
    start(store)

    assert Observations(store).observe([("shop", replace(JOB, rv="6", created_at=9))]) == []
    assert len(Observations(store).observe([("shop", replace(JOB, rv="6", started=True))])) == 1


def test_facts_that_are_older_than_what_is_known_are_dropped(store: Store) -> None:
    start(store)
    Observations(store).observe([("shop", replace(JOB, rv="10", outcome="succeeded"))])

    Observations(store).observe([("shop", replace(JOB, rv="9", started=True))])

    (facts,) = hold(store).jobs
    assert (facts.rv, facts.outcome) == ("10", "succeeded")


def test_gone_is_gone_whatever_comes_later(store: Store) -> None:
    start(store)
    Observations(store).observe([("shop", replace(JOB, rv="10", gone=True))])

    Observations(store).observe([("shop", replace(JOB, rv="11"))])

    (facts,) = hold(store).jobs
    assert facts.gone


def test_a_job_that_is_gone_is_forgotten_when_its_deploy_is_over(store: Store) -> None:
    start(store)
    seen = hold(store)
    over = replace(seen.deploys[0], state=State.SUCCEEDED)
    Targets(store).record(seen, "mine", deploys=[over], release=True)

    assert Observations(store).observe([("shop", replace(JOB, rv="10", gone=True))]) == []
    assert Observations(store).known_jobs() == []


def test_numbers_go_on_from_the_highest_in_the_cluster(store: Store) -> None:
    Observations(store).observe([("shop", replace(JOB, number=41))])

    assert submit(store, push("0", "a")).deploy == "shop/42"


def test_history_is_bounded_and_open_deploys_are_kept(client: object, keys: Keys) -> None:
    store = Store(client, keys, Retention(history=3))  # type: ignore[arg-type]
    for before, after in zip("0abcdefg", "abcdefgh", strict=True):
        submit(store, push(before, after))
        seen = hold(store)
        (deploy,) = (d for d in seen.deploys if not d.terminal)
        over = replace(deploy, state=State.FAILED, attempt=1)
        Targets(store).record(seen, "mine", deploys=[over], release=True)

    found = store.client.hkeys(store.keys.deploys("shop"))
    assert sorted(found) == ["6", "7", "8"]


def test_one_watcher_leads_and_another_takes_over_when_it_resigns(store: Store) -> None:
    one, two = Leadership(store, "one"), Leadership(store, "two")
    assert one.acquire()
    assert not two.acquire()
    assert one.acquire()

    one.release()

    assert two.acquire()


@pytest.mark.parametrize("number", range(3))
def test_who_resigns_late_takes_no_lead_from_its_successor(
    redis_url: str, keys: Keys, number: int
) -> None:
    """It is paused before one of its commands, for as long as its lead lasts."""
    client = cast(Watched, Watched.from_url(redis_url, decode_responses=True))
    store = Store(client, keys)
    one, two = Leadership(store, "one"), Leadership(store, "two")
    one.acquire()
    sent = 0

    def before(commands: object) -> None:
        nonlocal sent
        if sent == number:
            client.sends = lambda commands: None
            client.delete(keys.leader)
            two.acquire()
        sent += 1

    with client:
        client.sends = before
        one.release()
        client.sends = lambda commands: None

        assert client.get(keys.leader) == (None if number >= sent else "two")


def test_what_was_taken_up_since_it_was_found_due_is_not_woken(redis_url: str, keys: Keys) -> None:
    client = cast(Watched, Watched.from_url(redis_url, decode_responses=True))
    store = Store(client, keys)
    submit(store, push("0", "a"))

    def before(commands: list[tuple[Any, ...]]) -> None:
        if commands[0][0] == "EVALSHA":
            client.sends = lambda commands: None
            Targets(store).record(hold(store), "mine", release=True, due_at=None)

    with client:
        client.sends = before
        assert Schedule(store).due(store.now() + 60_000) == []
        assert client.zscore(keys.due, "shop") is None


def test_nothing_is_listed_until_a_watcher_says_so_and_only_in_this_redis(store: Store) -> None:
    spec = Spec(
        target="shop", repository="r", namespace="ns", policies=Policies(), manifest={}, digest="d"
    )
    Publisher(store).publish([spec])
    assert hold(store).listed is False

    Listings(store).begin("ns", "me")
    Listings(store).complete("ns", "me")
    assert hold(store).listed is True

    store.client.hset(store.keys.listed, "ns", "another-run-id")
    assert hold(store).listed is False


def test_specs_that_are_no_longer_configured_are_taken_back(store: Store) -> None:
    spec = Spec(
        target="shop", repository="r", namespace="ns", policies=Policies(), manifest={}, digest="d"
    )
    publisher = Publisher(store)
    publisher.publish([spec])
    assert hold(store).spec == spec

    publisher.publish([])
    removed = hold(store).spec
    assert removed is not None
    assert removed.removed_at > 0
    assert replace(removed, removed_at=0) == spec

    Targets(store).record(hold(store), "mine", release=True)
    assert publisher.retire(3600) == ["shop"]
    assert hold(store).spec is None


def test_a_retired_target_is_counted_no_longer_and_keeps_its_timelines_if_it_comes_back(
    store: Store,
) -> None:
    spec = Spec(
        target="shop", repository="r", namespace="ns", policies=Policies(), manifest={}, digest="d"
    )
    publisher, counts = Publisher(store), store.keys.counts
    publisher.publish([spec])
    submit(store, push("0", "a"))
    submit(store, push("0", "a"), target="docs")
    seen = hold(store)
    failed = replace(seen.deploys[0], state=State.FAILED, cause=CauseKind.SCRIPT)
    Targets(store).record(seen, "mine", deploys=[failed], release=True)
    before = {target for target, _ in Events(store).counts()}
    publisher.publish([])
    publisher.retire(3600)

    assert before == {"shop", "docs"}
    assert store.client.hkeys(counts) == ["docs created"]
    assert store.client.ttl(store.keys.timelines("shop")) > 0

    publisher.publish([spec])
    assert store.client.ttl(store.keys.timelines("shop")) == -1


def test_a_redis_that_is_away_is_said_without_its_password(keys: Keys) -> None:
    client = connect(f"redis://:hunter2@127.0.0.1:{free_port()}/0")

    with client, pytest.raises(LedgerUnavailable) as raised:
        Store(client, keys).now()

    assert "hunter2" not in str(raised.value)
    assert "127.0.0.1" in str(raised.value)


def test_scripts_are_loaded_again_after_the_server_forgot_them(store: Store) -> None:
    submit(store, push("0", "a"))
    store.client.script_flush()

    assert submit(store, push("a", "b")).outcome is Outcome.COALESCED


def test_since_when_a_wake_up_waits_is_known_until_a_worker_takes_it(store: Store) -> None:
    row, before = store.keys.row("shop"), store.now()
    submit(store, push("", "a"))
    waits = Schedule(store).woken(["shop", "docs"])
    assert before <= waits["shop"] <= store.now()
    assert "docs" not in waits

    store.client.hset(row, "woken", before - 60_000)
    Schedule(store).wake(["shop"], "again")
    submit(store, push("a", "b"))
    assert Schedule(store).woken(["shop"]) == {"shop": before - 60_000}

    (view,) = Reader(store).targets(["shop"])
    assert view.trouble is not None
    assert view.trouble.text.startswith("no worker has taken it up for 1m")

    Targets(store).acquire("shop", "token")
    assert Schedule(store).woken(["shop"]) == {}
    (view,) = Reader(store).targets(["shop"])
    assert view.trouble is None


def test_a_wake_up_tells_the_story_to_who_looks_at_the_queue(store: Store) -> None:
    (wake_up,) = [taken(store, push("", "a")).wake_up]
    assert wake_up is not None
    assert wake_up.description == f"reconcile shop: push {sha('a')[:8]} to main, deploy 1"

    story = f"deploy 1 is pending, push {sha('a')[:8]} of main"
    (untaken,) = Schedule(store).due(store.now() + 60_000)
    assert untaken.description == f"reconcile shop: no worker took its last wake-up; {story}"

    Targets(store).acquire("shop", "token")
    store.client.hset(store.keys.row("shop"), "lease_until", 1)
    (left,) = Schedule(store).due(store.now() + 60_000)
    assert left.description == f"reconcile shop: its worker died, or hung; {story}"
