"""Leases, compare-and-set, observations, wake-ups: against a real server."""

from __future__ import annotations

from typing import Any, cast

import pytest
from msgspec.structs import replace

from dispatcher.domain.errors import IllegalTransition, LeaseLost, LedgerUnavailable
from dispatcher.domain.model import ObservedJob, Outcome, Policies, Spec, State, check_transition
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import Keys, Lead, Leased, Ledger, Limits, Publisher, Recorded, connect
from dispatcher.local.ports import free_port
from tests.dispatcher.ledger.helpers import Watched, push, submit
from tests.waiting import eventually

JOB = ObservedJob(namespace="ns", job="shop-1", uid="u", rv="5", number=1, token="t")


def hold(ledger: Ledger, token: str = "mine") -> Snapshot:
    found = ledger.acquire("shop", token)
    assert isinstance(found, Snapshot)
    return found


def start(ledger: Ledger) -> Snapshot:
    """shop/1 is starting and its Job is known; the lease is let go."""
    submit(ledger, push("0", "a"))
    seen = hold(ledger)
    starting = replace(seen.deploys[0], state=State.STARTING, attempt=1, job="shop-1", uid="u")
    ledger.record(seen, "mine", deploys=[starting], new_jobs=[JOB], release=True)
    return seen


def test_one_worker_at_a_time(ledger: Ledger) -> None:
    hold(ledger)

    other = ledger.acquire("shop", "another")

    assert isinstance(other, Leased)
    assert 0 < other.milliseconds <= ledger.limits.lease


def test_a_lease_runs_out_and_its_late_holder_writes_nothing(client: object, keys: Keys) -> None:
    ledger = Ledger(client, keys, Limits(lease=50))  # type: ignore[arg-type]
    submit(ledger, push("0", "a"))
    seen = hold(ledger)

    assert eventually(lambda: isinstance(ledger.acquire("shop", "another"), Snapshot))

    with pytest.raises(LeaseLost):
        ledger.record(seen, "mine", deploys=[replace(seen.deploys[0], state=State.STARTING)])
    assert ledger.acquire("shop", "another").deploys[0].state is State.PENDING  # type: ignore[union-attr]


def test_a_transition_that_the_table_does_not_have_is_refused(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    (waiting,) = hold(ledger).deploys

    check_transition(waiting, replace(waiting, state=State.STARTING))
    with pytest.raises(IllegalTransition, match="from pending to running"):
        check_transition(waiting, replace(waiting, state=State.RUNNING))
    with pytest.raises(IllegalTransition, match="from nothing to succeeded"):
        check_transition(None, replace(waiting, state=State.SUCCEEDED))


def test_what_happens_while_a_worker_holds_the_target_makes_it_look_again(ledger: Ledger) -> None:
    seen = hold(ledger)
    result = submit(ledger, push("0", "a"))

    assert result.outcome is Outcome.ACCEPTED
    assert ledger.record(seen, "mine", release=True) is Recorded.AGAIN
    assert ledger.record(hold(ledger), "mine", release=True) is Recorded.OK


def test_who_is_woken_while_a_worker_holds_it_is_looked_at_once_more(ledger: Ledger) -> None:
    """The cluster was listed, say, or the configuration is new: the worker may have read before that."""
    seen = hold(ledger)

    assert ledger.wake(["shop"], "the cluster is listed") == []

    assert ledger.record(seen, "mine", release=True) is Recorded.AGAIN
    assert ledger.record(hold(ledger), "mine", release=True) is Recorded.OK


def test_who_is_due_while_a_worker_holds_it_is_in_good_hands(ledger: Ledger) -> None:
    seen = hold(ledger)

    assert ledger.due(ledger.now() + 60_000) == []

    assert ledger.record(seen, "mine", release=True) is Recorded.OK


def test_the_first_push_asks_for_a_wake_up_and_the_next_ones_do_not(ledger: Ledger) -> None:
    calls = [push("0", "a"), push("a", "b")]
    woken = []
    for each in calls:
        submit(ledger, each)
        woken.append(ledger.client.hget(ledger.keys.row("shop"), "wakes"))

    assert woken == ["1", "1"]


def test_a_wake_up_that_nobody_answers_comes_again_later_and_later(
    client: object, keys: Keys
) -> None:
    ledger = Ledger(client, keys, Limits(grace=10_000))  # type: ignore[arg-type]
    submit(ledger, push("0", "a"))
    now = ledger.now()

    waits = []
    for _ in range(3):
        due = ledger.client.zscore(ledger.keys.due, "shop")
        assert isinstance(due, float)
        (wake_up,) = ledger.due(int(due))
        assert wake_up.target == "shop"
        later = ledger.client.zscore(ledger.keys.due, "shop")
        assert isinstance(later, float)
        waits.append(later - now)

    assert waits[0] < waits[1] < waits[2]
    assert ledger.due(now) == []


def test_a_target_that_is_held_is_not_woken(ledger: Ledger) -> None:
    hold(ledger)

    assert ledger.wake(["shop"], "because") == []


def test_facts_that_change_nothing_for_a_plan_wake_nobody(ledger: Ledger) -> None:
    start(ledger)

    assert ledger.observe([("shop", replace(JOB, rv="6", created_at=9))]) == []
    assert len(ledger.observe([("shop", replace(JOB, rv="6", started=True))])) == 1


def test_facts_that_are_older_than_what_is_known_are_dropped(ledger: Ledger) -> None:
    start(ledger)
    ledger.observe([("shop", replace(JOB, rv="10", outcome="succeeded"))])

    ledger.observe([("shop", replace(JOB, rv="9", started=True))])

    (facts,) = hold(ledger).jobs
    assert (facts.rv, facts.outcome) == ("10", "succeeded")


def test_gone_is_gone_whatever_comes_later(ledger: Ledger) -> None:
    start(ledger)
    ledger.observe([("shop", replace(JOB, rv="10", gone=True))])

    ledger.observe([("shop", replace(JOB, rv="11"))])

    (facts,) = hold(ledger).jobs
    assert facts.gone


def test_a_job_that_is_gone_is_forgotten_when_its_deploy_is_over(ledger: Ledger) -> None:
    start(ledger)
    seen = hold(ledger)
    over = replace(seen.deploys[0], state=State.SUCCEEDED)
    ledger.record(seen, "mine", deploys=[over], release=True)

    assert ledger.observe([("shop", replace(JOB, rv="10", gone=True))]) == []
    assert ledger.known_jobs() == []


def test_numbers_go_on_from_the_highest_in_the_cluster(ledger: Ledger) -> None:
    ledger.observe([("shop", replace(JOB, number=41))])

    assert submit(ledger, push("0", "a")).deploy == "shop/42"


def test_history_is_bounded_and_open_deploys_are_kept(client: object, keys: Keys) -> None:
    ledger = Ledger(client, keys, Limits(history=3))  # type: ignore[arg-type]
    for before, after in zip("0abcdefg", "abcdefgh", strict=True):
        submit(ledger, push(before, after))
        seen = hold(ledger)
        (deploy,) = (d for d in seen.deploys if not d.terminal)
        over = replace(deploy, state=State.FAILED, attempt=1)
        ledger.record(seen, "mine", deploys=[over], release=True)

    found = ledger.client.hkeys(ledger.keys.deploys("shop"))
    assert sorted(found) == ["6", "7", "8"]


def test_one_watcher_leads_and_another_takes_over_when_it_resigns(ledger: Ledger) -> None:
    assert ledger.lead("one") is Lead.LEADS
    assert ledger.lead("two") is Lead.STANDS_BY
    assert ledger.lead("one") is Lead.LEADS

    ledger.resign("one")

    assert ledger.lead("two") is Lead.LEADS


@pytest.mark.parametrize("number", range(3))
def test_who_resigns_late_takes_no_lead_from_its_successor(
    redis_url: str, keys: Keys, number: int
) -> None:
    """It is paused before one of its commands, for as long as its lead lasts."""
    client = cast(Watched, Watched.from_url(redis_url, decode_responses=True))
    ledger = Ledger(client, keys)
    ledger.lead("one")
    sent = 0

    def before(commands: object) -> None:
        nonlocal sent
        if sent == number:
            client.sends = lambda commands: None
            client.delete(keys.leader)
            ledger.lead("two")
        sent += 1

    with client:
        client.sends = before
        ledger.resign("one")
        client.sends = lambda commands: None

        assert client.get(keys.leader) == (None if number >= sent else "two")


def test_what_was_taken_up_since_it_was_found_due_is_not_woken(redis_url: str, keys: Keys) -> None:
    client = cast(Watched, Watched.from_url(redis_url, decode_responses=True))
    ledger = Ledger(client, keys)
    submit(ledger, push("0", "a"))

    def before(commands: list[tuple[Any, ...]]) -> None:
        if commands[0][0] == "EVALSHA":
            client.sends = lambda commands: None
            ledger.record(hold(ledger), "mine", release=True, due_at=None)

    with client:
        client.sends = before
        assert ledger.due(ledger.now() + 60_000) == []
        assert client.zscore(keys.due, "shop") is None


def test_nothing_is_listed_until_a_watcher_says_so_and_only_in_this_redis(ledger: Ledger) -> None:
    spec = Spec(
        target="shop", repository="r", namespace="ns", policies=Policies(), manifest={}, digest="d"
    )
    Publisher(ledger).publish([spec])
    assert hold(ledger).listed is False

    ledger.begin_listing("ns", "me")
    ledger.mark_listed("ns", "me")
    assert hold(ledger).listed is True

    ledger.client.hset(ledger.keys.listed, "ns", "another-run-id")
    assert hold(ledger).listed is False


def test_specs_that_are_no_longer_configured_are_taken_back(ledger: Ledger) -> None:
    spec = Spec(
        target="shop", repository="r", namespace="ns", policies=Policies(), manifest={}, digest="d"
    )
    publisher = Publisher(ledger)
    publisher.publish([spec])
    assert hold(ledger).spec == spec

    publisher.publish([])
    removed = hold(ledger).spec
    assert removed is not None
    assert removed.removed_at > 0
    assert replace(removed, removed_at=0) == spec

    ledger.record(hold(ledger), "mine", release=True)
    assert publisher.retire(3600) == ["shop"]
    assert hold(ledger).spec is None


def test_a_redis_that_is_away_is_said_without_its_password(keys: Keys) -> None:
    client = connect(f"redis://:hunter2@127.0.0.1:{free_port()}/0")

    with client, pytest.raises(LedgerUnavailable) as raised:
        Ledger(client, keys).now()

    assert "hunter2" not in str(raised.value)
    assert "127.0.0.1" in str(raised.value)


def test_scripts_are_loaded_again_after_the_server_forgot_them(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    ledger.client.script_flush()

    assert submit(ledger, push("a", "b")).outcome is Outcome.COALESCED
