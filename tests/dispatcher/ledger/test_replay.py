"""Replays: a delivery of the trail is taken as if it had just come, and undoes nothing that came since."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dispatcher.domain.model import Outcome, Push, Reason, Result, State
from dispatcher.ledger import Ledger, Operations, Redeploy, Submission
from tests.dispatcher.ledger.helpers import MAIN, push, sha, submit
from tests.dispatcher.ledger.test_submit import move, the_deploys

DONE = (State.STARTING, State.RUNNING, State.SUCCEEDED)
BROKEN = (State.STARTING, State.RUNNING, State.FAILED)
V1, V2 = "refs/tags/v1", "refs/tags/v2"
RELEASE = "refs/heads/release/1"


def replay(ledger: Ledger, what: Push, came: int, **more: Any) -> Result:
    submission = Submission(target="shop", push=what, hook="hook", replays=came, **more)
    (raw,) = ledger.scripts.run_many([submission.call(ledger.keys, ledger.limits)])
    return submission.answer(raw).result


def came(ledger: Ledger, what: Push, **more: Any) -> int:
    """Hands a push in, and returns when that was."""
    submit(ledger, what, **more)
    now = ledger.now()
    time.sleep(0.002)  # what comes next is of another millisecond
    return now


def test_what_was_filtered_before_runs(ledger: Ledger) -> None:
    at = came(ledger, push("0", "a"), filtered="no file matched")

    result = replay(ledger, push("0", "a"), at)

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/1")
    assert result.reason == "the delivery was replayed"


def test_it_is_not_taken_for_a_repetition_nor_for_the_same_push(ledger: Ledger) -> None:
    at = came(ledger, push("0", "a", at=5), delivery="one")
    move(ledger, *BROKEN)

    result = replay(ledger, push("0", "a", at=5), at, delivery="replay-1")

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/2")


def test_what_has_succeeded_is_not_run_again(ledger: Ledger) -> None:
    at = came(ledger, push("0", "a"))
    move(ledger, *DONE)

    result = replay(ledger, push("0", "a"), at)

    assert result.outcome is Outcome.UNCHANGED
    assert result.reason == "shop/1 has deployed this commit"


def test_what_waits_and_what_runs_is_joined(ledger: Ledger) -> None:
    at = came(ledger, push("0", "a"))
    assert replay(ledger, push("0", "a"), at).outcome is Outcome.COALESCED
    move(ledger, State.STARTING, State.RUNNING)

    result = replay(ledger, push("0", "a"), at)

    assert (result.outcome, result.deploy) == (Outcome.COALESCED, "shop/1")


@pytest.mark.parametrize("time_of_host", [0, 5])
def test_a_branch_that_moved_on_is_not_rolled_back(ledger: Ledger, time_of_host: int) -> None:
    at = came(ledger, push("0", "a", at=time_of_host))
    came(ledger, push("a", "b", at=time_of_host and 6))

    result = replay(ledger, push("0", "a", at=time_of_host), at)

    assert result.outcome is Outcome.STALE
    assert result.reason == f"a replay rolls nothing back: the branch is at {sha('b')} by now"
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("b")]


@pytest.mark.parametrize("time_of_host", [0, 5])
def test_nor_is_one_that_was_forced_back(ledger: Ledger, time_of_host: int) -> None:
    """The push follows what the branch is at, and yet the branch has left it."""
    came(ledger, push("0", "a", at=time_of_host))
    at = came(ledger, push("a", "b", at=time_of_host and 6))
    came(ledger, push("b", "a", at=time_of_host and 7))

    result = replay(ledger, push("a", "b", at=time_of_host and 6), at)

    assert result.outcome is Outcome.STALE
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("a")]
    # And a push that comes by itself is still taken.
    assert submit(ledger, push("a", "c", at=time_of_host and 8)).outcome is Outcome.COALESCED


def test_a_push_without_before_and_time_does_not_come_back(ledger: Ledger) -> None:
    at = came(ledger, push("", "a"))
    came(ledger, push("", "b"))

    assert replay(ledger, push("", "a"), at).outcome is Outcome.STALE
    assert replay(ledger, push("", "b"), at).outcome is Outcome.COALESCED


def test_a_branch_that_was_deleted_since(ledger: Ledger) -> None:
    at = came(ledger, push("0", "a"))
    came(ledger, push("a", "0"))

    result = replay(ledger, push("0", "a"), at)

    assert (result.outcome, result.reason) == (
        Outcome.STALE,
        "the branch has been deleted since",
    )


def test_a_deletion_that_is_replayed_leaves_the_branch_that_was_made_anew(ledger: Ledger) -> None:
    came(ledger, push("0", "a"))
    at = came(ledger, push("a", "0"))
    came(ledger, push("0", "b"))

    assert replay(ledger, push("a", "0"), at).outcome is Outcome.STALE
    assert submit(ledger, push("b", "c")).outcome is Outcome.COALESCED


@pytest.mark.parametrize(("first", "second"), [(V1, V2), (RELEASE, "refs/heads/main")])
def test_another_tag_or_branch_that_was_pushed_since_stays(
    ledger: Ledger, first: str, second: str
) -> None:
    at = came(ledger, push("0", "a", ref=first))
    move(ledger, *DONE)
    came(ledger, push("0", "b", ref=second))
    move(ledger, *DONE)

    result = replay(ledger, push("0", "a", ref=first), at)

    assert result.outcome is Outcome.STALE
    assert result.reason == "a replay rolls nothing back: shop/2 was pushed after it"
    assert len(the_deploys(ledger)) == 1


def test_refs_of_the_same_delivery_do_not_outdo_each_other(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    at = came(ledger, push("0", "b", ref=RELEASE))
    for _ in range(2):
        first = the_deploys(ledger)[0]
        ledger_end(ledger, first.number)

    assert replay(ledger, push("0", "a"), at).outcome is not Outcome.STALE
    assert replay(ledger, push("0", "b", ref=RELEASE), at).outcome is not Outcome.STALE


def test_the_newer_of_two_that_are_replayed_stays_in_whatever_order(ledger: Ledger) -> None:
    first = came(ledger, push("0", "a", ref=V1), filtered="no tags yet")
    second = came(ledger, push("0", "b", ref=V2), filtered="no tags yet")

    assert replay(ledger, push("0", "a", ref=V1), first).outcome is Outcome.ACCEPTED
    assert replay(ledger, push("0", "b", ref=V2), second).outcome is Outcome.COALESCED
    assert replay(ledger, push("0", "a", ref=V1), first).outcome is Outcome.STALE
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("b")]


def ledger_end(ledger: Ledger, number: int) -> None:
    """A deploy that waits is over."""
    Operations(ledger).cancel("shop", number, "ann", "")


def test_what_the_target_has_never_seen_is_taken(ledger: Ledger) -> None:
    """A target that was added after the delivery came."""
    result = replay(ledger, push("a", "b"), ledger.now())

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/1")


def test_what_follows_and_was_never_seen_is_taken(ledger: Ledger) -> None:
    at = came(ledger, push("0", "a"))

    assert replay(ledger, push("a", "b"), at).outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("b")]


def test_a_replay_leaves_the_chain_as_it_is_for_pushes_that_come(ledger: Ledger) -> None:
    at = came(ledger, push("0", "a"))
    came(ledger, push("a", "b"))
    replay(ledger, push("0", "a"), at)

    assert submit(ledger, push("b", "c")).outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("c")]


# What an operator has said


@pytest.mark.parametrize("time_of_host", [0, 5])
def test_a_commit_that_an_operator_put_a_branch_at_is_not_rolled_back(
    ledger: Ledger, time_of_host: int
) -> None:
    """B, then C by hand since its delivery was lost, then B's delivery once more."""
    submit(ledger, push("0", "a", at=time_of_host))
    at = came(ledger, push("a", "b", at=time_of_host and 6))
    ledger.redeploy(Redeploy(target="shop", commit=sha("c"), ref=MAIN))

    result = replay(ledger, push("a", "b", at=time_of_host and 6), at)

    assert result.outcome is Outcome.STALE
    assert result.reason == f"a replay rolls nothing back: the branch is at {sha('c')} by now"


def test_what_was_filtered_by_mistake_is_deployed_with_what_came_since(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    at = came(ledger, push("a", "b"), filtered="a filter that was wrong")
    came(ledger, push("b", "c"), filtered="[skip ci]")

    result = replay(ledger, push("a", "b"), at)

    assert result.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("c")]


def test_its_deploy_says_who_asked_and_why(ledger: Ledger) -> None:
    at = came(ledger, push("0", "a"), filtered="no file matched")

    replay(ledger, push("0", "a"), at, by="bob", note="the filter was wrong")

    (deploy,) = the_deploys(ledger)
    assert (deploy.reason, deploy.requested_by) == (Reason.REPLAY, "bob")
    assert deploy.note == "the filter was wrong"


def test_so_does_one_that_waits_until_a_push_takes_its_place(ledger: Ledger) -> None:
    submit(ledger, push("0", "x", ref=V1))
    at = came(ledger, push("0", "a", ref=V2), filtered="no tags yet")
    replay(ledger, push("0", "a", ref=V2), at, by="bob", note="now")
    (replayed,) = the_deploys(ledger)
    submit(ledger, push("a", "b", ref=V2))
    (pushed,) = the_deploys(ledger)

    assert (replayed.reason, replayed.requested_by, replayed.note) == (Reason.REPLAY, "bob", "now")
    assert (pushed.reason, pushed.requested_by, pushed.note) == (Reason.PUSH, "ann", "")
