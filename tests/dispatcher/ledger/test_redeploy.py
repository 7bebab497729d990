"""What becomes of a redeploy: what it deploys, what it waits behind, what it leaves alone."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import (
    NoRedeploy,
    Operations,
    Reader,
    Redeploy,
    RedeployResult,
    Store,
    Targets,
)
from tests.dispatcher.ledger.helpers import MAIN, push, sha, submit
from tests.examples import examples

NEXT = "refs/heads/next"


def redeploy(store: Store, target: str = "shop", **named: Any) -> RedeployResult:
    if "commit" in named:
        named["commit"] = sha(named["commit"])
    return Operations(store).redeploy(Redeploy(target=target, **named))


def leased(store: Store, target: str = "shop") -> Snapshot:
    found = Targets(store).acquire(target, "a-token")
    assert isinstance(found, Snapshot)
    return found


def move(store: Store, number: int, *states: State) -> None:
    for state in states:
        seen = leased(store)
        (deploy,) = (d for d in seen.deploys if d.number == number)
        Targets(store).record(seen, "a-token", deploys=[replace(deploy, state=state, attempt=1)])
    Targets(store).record(leased(store), "a-token", release=True)


def waiting(store: Store, target: str = "shop") -> dict[int, Deploy]:
    deploys = leased(store, target).deploys
    Targets(store).record(leased(store, target), "a-token", release=True)
    return {d.number: d for d in deploys if d.state is State.PENDING}


@pytest.fixture
def deployed(store: Store) -> Store:
    """`shop/1` has deployed a, `shop/2` b."""
    for number, (before, after) in enumerate((("0", "a"), ("a", "b")), 1):
        submit(store, push(before, after))
        move(store, number, State.STARTING, State.SUCCEEDED)
    return store


def test_named_nothing_it_runs_the_newest_deploy_once_more(deployed: Store) -> None:
    made = redeploy(deployed, by="ann", note="the database is back")

    assert (made.outcome, made.number) == (Outcome.ACCEPTED, 3)
    assert (made.commit, made.ref) == (sha("b"), MAIN)
    assert made.reason == f"commit {sha('b')[:8]} of main is deployed"
    (deploy,) = waiting(deployed).values()
    assert (deploy.commit, deploy.ref, deploy.reason) == (sha("b"), MAIN, Reason.REDEPLOY)
    assert (deploy.requested_by, deploy.note) == ("ann", "the database is back")
    assert deploy.title == "commit b"


def test_the_newest_is_found_at_once_whatever_numbers_were_given_since(deployed: Store) -> None:
    """A Job that somebody has labelled with a great number raises those that follow."""
    deployed.client.hset(deployed.keys.row("shop"), "seq", 999_999_990)

    assert redeploy(deployed).commit == sha("b")


def test_the_same_request_gets_the_same_answer_also_when_it_is_over(deployed: Store) -> None:
    first = redeploy(deployed, request="r1")
    move(deployed, 3, State.STARTING, State.FAILED)

    again = redeploy(deployed, request="r1")

    assert again == dataclasses.replace(first, wake_up=None)
    assert waiting(deployed) == {}


def test_a_deploy_of_the_history_is_how_to_roll_back(deployed: Store) -> None:
    made = redeploy(deployed, number=1)

    assert (made.number, made.commit, made.ref) == (3, sha("a"), MAIN)
    assert waiting(deployed)[3].title == "commit a"


def test_a_commit_is_deployed_on_the_ref_of_the_newest_deploy(deployed: Store) -> None:
    made = redeploy(deployed, commit="x")

    assert (made.commit, made.ref) == (sha("x"), MAIN)
    assert waiting(deployed)[3].title == ""


def test_of_a_ref_the_newest_known_commit_is_deployed(deployed: Store) -> None:
    submit(deployed, push("0", "n", ref=NEXT))
    submit(deployed, push("n", "o", ref=NEXT), filtered="only documents")
    move(deployed, 3, State.STARTING, State.FAILED)
    redeploy(deployed, number=1)

    made = redeploy(deployed, ref=NEXT)

    assert (made.commit, made.ref) == (sha("n"), NEXT)
    assert waiting(deployed)[5].title == "commit n"


def test_commit_and_ref_need_no_history(store: Store) -> None:
    made = redeploy(store, commit="a", ref="refs/tags/v1")

    assert (made.outcome, made.number) == (Outcome.ACCEPTED, 1)
    assert waiting(store)[1].stream == "refs/tags"


@pytest.mark.parametrize(
    ("named", "why_not"),
    [
        ({}, NoRedeploy.NEVER_DEPLOYED),
        ({"commit": "a"}, NoRedeploy.NEVER_DEPLOYED),
        ({"number": 1}, NoRedeploy.UNKNOWN_DEPLOY),
        ({"ref": MAIN}, NoRedeploy.UNKNOWN_REF),
    ],
)
def test_what_is_not_known_is_said(
    store: Store, named: dict[str, Any], why_not: NoRedeploy
) -> None:
    made = redeploy(store, **named)

    assert (made.outcome, made.why_not) == (None, why_not)
    assert waiting(store) == {}


def test_a_branch_that_was_deleted_has_no_newest_commit(deployed: Store) -> None:
    submit(deployed, push("b", "0"))

    assert redeploy(deployed, ref=MAIN).why_not is NoRedeploy.UNKNOWN_REF


def test_no_branch_moves(deployed: Store) -> None:
    chain = deployed.keys.chain("shop", MAIN)
    before = deployed.client.hgetall(chain)

    redeploy(deployed, number=1)
    redeploy(deployed, commit="x")
    redeploy(deployed, ref=MAIN)

    assert deployed.client.hgetall(chain) == before
    assert submit(deployed, push("0", "a", at=3)).outcome is Outcome.STALE
    assert submit(deployed, push("b", "c")).outcome is Outcome.COALESCED


# What waits already


def test_what_waits_with_this_commit_is_it(deployed: Store) -> None:
    submit(deployed, push("b", "c"))

    made = redeploy(deployed, by="ann")

    assert (made.outcome, made.number) == (Outcome.COALESCED, 3)
    assert made.reason == "this deploy was waiting already"
    assert waiting(deployed)[3].reason is Reason.PUSH


def test_a_redeploy_that_waits_is_given_the_newer_request(deployed: Store) -> None:
    redeploy(deployed, by="ann", note="once more")

    made = redeploy(deployed, number=1, by="bob", note="b is broken")

    assert (made.outcome, made.number) == (Outcome.COALESCED, 3)
    assert "a redeploy was waiting and was given commit" in made.reason
    (deploy,) = waiting(deployed).values()
    assert (deploy.commit, deploy.title) == (sha("a"), "commit a")
    assert (deploy.requested_by, deploy.note) == ("bob", "b is broken")


def test_a_push_that_waits_is_never_replaced(deployed: Store) -> None:
    submit(deployed, push("b", "c"))

    made = redeploy(deployed, number=1)

    assert (made.outcome, made.number) == (Outcome.ACCEPTED, 4)
    assert "after shop/3, which was waiting already" in made.reason
    assert [d.commit for d in waiting(deployed).values()] == [sha("c"), sha("a")]


def test_of_what_waits_the_last_is_compared_so_that_the_last_request_wins(deployed: Store) -> None:
    submit(deployed, push("b", "c"))
    redeploy(deployed, number=1)

    made = redeploy(deployed, commit="c")

    assert (made.outcome, made.number) == (Outcome.COALESCED, 4)
    assert waiting(deployed)[4].commit == sha("c")


def test_another_stream_has_its_own_line(deployed: Store) -> None:
    submit(deployed, push("0", "n", ref=NEXT))

    made = redeploy(deployed, number=2)

    assert (made.outcome, made.number) == (Outcome.ACCEPTED, 4)


def test_the_same_commit_under_another_tag_is_another_deploy(store: Store) -> None:
    submit(store, push("0", "a", ref="refs/tags/v1"))

    made = redeploy(store, commit="a", ref="refs/tags/v2")

    assert (made.outcome, made.number) == (Outcome.ACCEPTED, 2)


def test_a_later_push_takes_the_redeploys_place_and_the_pushes_before_it(deployed: Store) -> None:
    submit(deployed, push("b", "c"))
    redeploy(deployed, number=1, by="bob", note="c is broken")

    result = submit(deployed, push("c", "d"), delivery="two")

    assert (result.outcome, result.deploy) == (Outcome.COALESCED, "shop/4")
    (deploy,) = waiting(deployed).values()
    assert (deploy.number, deploy.commit, deploy.reason) == (4, sha("d"), Reason.PUSH)
    assert (deploy.requested_by, deploy.note) == ("ann", "")
    before = Reader(deployed).deploy("shop", 3)
    assert before is not None
    assert (before.state, before.superseded_by) == (State.SUPERSEDED, 4)
    assert before.why == "a newer commit came: shop/4"


def test_redelivered_after_it_failed_such_a_push_runs_again(deployed: Store) -> None:
    redeploy(deployed, number=1)
    submit(deployed, push("b", "c"), delivery="one")
    move(deployed, 3, State.STARTING, State.FAILED)

    again = submit(deployed, push("b", "c"), delivery="one")

    assert (again.outcome, again.deploy) == (Outcome.ACCEPTED, "shop/4")


def test_what_stands_for_a_push_stays_even_if_it_was_a_redeploy(deployed: Store) -> None:
    redeploy(deployed, number=1)
    submit(deployed, push("b", "a"))

    made = redeploy(deployed, number=2)

    assert (made.outcome, made.number) == (Outcome.ACCEPTED, 4)


def test_nothing_is_put_into_what_is_cancelled(deployed: Store) -> None:
    submit(deployed, push("b", "c"))
    move(deployed, 3, State.STARTING)
    Operations(deployed).cancel("shop", 3, "ann", "")
    move(deployed, 3, State.PENDING)

    assert redeploy(deployed, commit="c").number == 4
    assert submit(deployed, push("c", "d")).deploy == "shop/4"


@pytest.mark.parametrize("everything", [True, False])
def test_while_it_is_paused_it_is_held(deployed: Store, everything: bool) -> None:
    Operations(deployed).pause(None if everything else "shop", "ann", "migration")

    first = redeploy(deployed)
    same = redeploy(deployed)
    other = redeploy(deployed, number=1)

    assert [each.outcome for each in (first, same, other)] == [Outcome.HELD] * 3
    assert {each.number for each in (first, same, other)} == {3}
    assert "until it is resumed" in first.reason


# Any order of things

COMMITS = "abcdefgh"
orders = st.lists(st.one_of(st.just("push"), st.sampled_from(COMMITS)), max_size=12)


@examples(80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=orders)
@example(orders=["push", "x", "push", "x", "push", "x"])
def test_one_push_and_one_redeploy_wait_at_the_most_and_the_newest_is_last(
    store: Store, orders: list[str]
) -> None:
    target, head, last, pushes = f"shop-{uuid4().hex[:8]}", "0", "", 0
    for order in orders:
        if order == "push":
            pushes, before = pushes + 1, head
            head = last = f"push {pushes}"
            submit(store, push(before, head), target=target)
        else:
            last = order
            redeploy(store, target, commit=order, ref=MAIN)

        found = waiting(store, target).values()
        reasons = [deploy.reason for deploy in found]
        assert reasons.count(Reason.PUSH) == min(pushes, 1)
        assert reasons.count(Reason.REDEPLOY) <= 1
        assert [d.commit for d in found if d.reason is Reason.PUSH] == [sha(head)] * min(pushes, 1)
        assert list(found)[-1].commit == sha(last)


def test_a_deploy_that_was_put_back_keeps_its_commit_and_the_newest_number_the_newest(
    store: Store,
) -> None:
    submit(store, push("0", "a"))
    move(store, 1, State.STARTING, State.RUNNING)
    submit(store, push("a", "b"))
    Operations(store).cancel("shop", 2, "ann", "")
    move(store, 1, State.PENDING)  # its node was restarted

    newer = submit(store, push("b", "c"))

    assert (newer.outcome, newer.deploy) == (Outcome.ACCEPTED, "shop/3")
    old = Reader(store).deploy("shop", 1)
    assert old is not None
    assert (old.state, old.commit, old.superseded_by) == (State.SUPERSEDED, sha("a"), 3)
    move(store, 3, State.STARTING, State.SUCCEEDED)
    assert redeploy(store).commit == sha("c")
