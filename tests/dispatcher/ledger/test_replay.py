"""Replays: a delivery of the log is taken as if it had just come, and undoes nothing that came since."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dispatcher.domain.delivery import Replay
from dispatcher.domain.deploy import Reason, State
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.domain.push import Push
from dispatcher.ledger import Operations, Redeploy, Store
from tests.dispatcher.ledger.helpers import MAIN, a_submission, push, sha, submit
from tests.dispatcher.ledger.test_submit import move, the_deploys

DONE = (State.STARTING, State.RUNNING, State.SUCCEEDED)
BROKEN = (State.STARTING, State.RUNNING, State.FAILED)
V1, V2 = "refs/tags/v1", "refs/tags/v2"
RELEASE = "refs/heads/release/1"


def replay(
    store: Store, what: Push, came: int, by: str = "", note: str = "", **more: Any
) -> Result:
    again = Replay(of="", first_at=came, by=by, note=note)
    submission = a_submission(what, replay=again, **more)
    (raw,) = store.scripts.run_many([submission.call(store)])
    return submission.answer(raw).result


def came(store: Store, what: Push, **more: Any) -> int:
    """Hands a push in, and returns when that was."""
    submit(store, what, **more)
    now = store.now()
    time.sleep(0.002)  # what comes next is of another millisecond
    return now


def test_what_was_filtered_before_runs(store: Store) -> None:
    at = came(store, push("0", "a"), filtered="no file matched")

    result = replay(store, push("0", "a"), at)

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/1")
    assert result.reason == "the delivery was replayed"


def test_it_is_not_taken_for_a_repetition_nor_for_the_same_push(store: Store) -> None:
    at = came(store, push("0", "a", at=5), delivery="one")
    move(store, *BROKEN)

    result = replay(store, push("0", "a", at=5), at, delivery="replay-1")

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/2")


def test_what_has_succeeded_is_not_run_again(store: Store) -> None:
    at = came(store, push("0", "a"))
    move(store, *DONE)

    result = replay(store, push("0", "a"), at)

    assert result.outcome is Outcome.UNCHANGED
    assert result.reason == "shop/1 has deployed this commit"


def test_what_waits_and_what_runs_is_joined(store: Store) -> None:
    at = came(store, push("0", "a"))
    assert replay(store, push("0", "a"), at).outcome is Outcome.COALESCED
    move(store, State.STARTING, State.RUNNING)

    result = replay(store, push("0", "a"), at)

    assert (result.outcome, result.deploy) == (Outcome.COALESCED, "shop/1")


@pytest.mark.parametrize("time_of_host", [0, 5])
def test_a_branch_that_moved_on_is_not_rolled_back(store: Store, time_of_host: int) -> None:
    at = came(store, push("0", "a", at=time_of_host))
    came(store, push("a", "b", at=time_of_host and 6))

    result = replay(store, push("0", "a", at=time_of_host), at)

    assert result.outcome is Outcome.STALE
    assert result.reason == f"a replay rolls nothing back: the branch is at {sha('b')} by now"
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("b")]


@pytest.mark.parametrize("time_of_host", [0, 5])
def test_nor_is_one_that_was_forced_back(store: Store, time_of_host: int) -> None:
    """The push follows what the branch is at, and yet the branch has left it."""
    came(store, push("0", "a", at=time_of_host))
    at = came(store, push("a", "b", at=time_of_host and 6))
    came(store, push("b", "a", at=time_of_host and 7))

    result = replay(store, push("a", "b", at=time_of_host and 6), at)

    assert result.outcome is Outcome.STALE
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("a")]
    # And a push that comes by itself is still taken.
    assert submit(store, push("a", "c", at=time_of_host and 8)).outcome is Outcome.COALESCED


def test_a_push_without_before_and_time_does_not_come_back(store: Store) -> None:
    at = came(store, push("", "a"))
    came(store, push("", "b"))

    assert replay(store, push("", "a"), at).outcome is Outcome.STALE
    assert replay(store, push("", "b"), at).outcome is Outcome.COALESCED


def test_a_branch_that_was_deleted_since(store: Store) -> None:
    at = came(store, push("0", "a"))
    came(store, push("a", "0"))

    result = replay(store, push("0", "a"), at)

    assert (result.outcome, result.reason) == (
        Outcome.STALE,
        "the branch has been deleted since",
    )


def test_a_deletion_that_is_replayed_leaves_the_branch_that_was_made_anew(store: Store) -> None:
    came(store, push("0", "a"))
    at = came(store, push("a", "0"))
    came(store, push("0", "b"))

    assert replay(store, push("a", "0"), at).outcome is Outcome.STALE
    assert submit(store, push("b", "c")).outcome is Outcome.COALESCED


@pytest.mark.parametrize(("first", "second"), [(V1, V2), (RELEASE, "refs/heads/main")])
def test_another_tag_or_branch_that_was_pushed_since_stays(
    store: Store, first: str, second: str
) -> None:
    at = came(store, push("0", "a", ref=first))
    move(store, *DONE)
    came(store, push("0", "b", ref=second))
    move(store, *DONE)

    result = replay(store, push("0", "a", ref=first), at)

    assert result.outcome is Outcome.STALE
    assert result.reason == "a replay rolls nothing back: shop/2 was pushed after it"
    assert len(the_deploys(store)) == 1


def test_refs_of_the_same_delivery_do_not_outdo_each_other(store: Store) -> None:
    submit(store, push("0", "a"))
    at = came(store, push("0", "b", ref=RELEASE))
    for _ in range(2):
        first = the_deploys(store)[0]
        ledger_end(store, first.number)

    assert replay(store, push("0", "a"), at).outcome is not Outcome.STALE
    assert replay(store, push("0", "b", ref=RELEASE), at).outcome is not Outcome.STALE


def test_the_newer_of_two_that_are_replayed_stays_in_whatever_order(store: Store) -> None:
    first = came(store, push("0", "a", ref=V1), filtered="no tags yet")
    second = came(store, push("0", "b", ref=V2), filtered="no tags yet")

    assert replay(store, push("0", "a", ref=V1), first).outcome is Outcome.ACCEPTED
    assert replay(store, push("0", "b", ref=V2), second).outcome is Outcome.COALESCED
    assert replay(store, push("0", "a", ref=V1), first).outcome is Outcome.STALE
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("b")]


def ledger_end(store: Store, number: int) -> None:
    """A deploy that waits is over."""
    Operations(store).cancel("shop", number, "ann", "")


def test_what_the_target_has_never_seen_is_taken(store: Store) -> None:
    """A target that was added after the delivery came."""
    result = replay(store, push("a", "b"), store.now())

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/1")


def test_what_follows_and_was_never_seen_is_taken(store: Store) -> None:
    at = came(store, push("0", "a"))

    assert replay(store, push("a", "b"), at).outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("b")]


def test_a_replay_leaves_the_chain_as_it_is_for_pushes_that_come(store: Store) -> None:
    at = came(store, push("0", "a"))
    came(store, push("a", "b"))
    replay(store, push("0", "a"), at)

    assert submit(store, push("b", "c")).outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("c")]


# What an operator has said


@pytest.mark.parametrize("time_of_host", [0, 5])
def test_a_commit_that_an_operator_put_a_branch_at_is_not_rolled_back(
    store: Store, time_of_host: int
) -> None:
    """B, then C by hand since its delivery was lost, then B's delivery once more."""
    submit(store, push("0", "a", at=time_of_host))
    at = came(store, push("a", "b", at=time_of_host and 6))
    Operations(store).redeploy(Redeploy(target="shop", commit=sha("c"), ref=MAIN))

    result = replay(store, push("a", "b", at=time_of_host and 6), at)

    assert result.outcome is Outcome.STALE
    assert result.reason == f"a replay rolls nothing back: the branch is at {sha('c')} by now"


def test_a_creation_from_before_an_operator_put_a_tag_is_not_repeated_once_it_is_deleted(
    store: Store,
) -> None:
    at = came(store, push("0", "a", ref=V1))
    came(store, push("a", "b", ref=V1))
    Operations(store).redeploy(Redeploy(target="shop", commit=sha("b"), ref=V1))
    came(store, push("b", "0", ref=V1))

    result = replay(store, push("0", "a", ref=V1), at)

    assert (result.outcome, result.reason) == (
        Outcome.STALE,
        "the branch has been deleted since",
    )
    created_anew = submit(store, push("0", "a", ref=V1))
    assert created_anew.outcome is not Outcome.STALE


def test_what_was_filtered_by_mistake_is_deployed_with_what_came_since(store: Store) -> None:
    submit(store, push("0", "a"))
    at = came(store, push("a", "b"), filtered="a filter that was wrong")
    came(store, push("b", "c"), filtered="[skip ci]")

    result = replay(store, push("a", "b"), at)

    assert result.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("c")]


def test_its_deploy_says_who_asked_and_why(store: Store) -> None:
    at = came(store, push("0", "a"), filtered="no file matched")

    replay(store, push("0", "a"), at, by="bob", note="the filter was wrong")

    (deploy,) = the_deploys(store)
    assert (deploy.reason, deploy.requested_by) == (Reason.REPLAY, "bob")
    assert deploy.note == "the filter was wrong"


def test_so_does_one_that_waits_until_a_push_takes_its_place(store: Store) -> None:
    submit(store, push("0", "x", ref=V1))
    at = came(store, push("0", "a", ref=V2), filtered="no tags yet")
    replay(store, push("0", "a", ref=V2), at, by="bob", note="now")
    (replayed,) = the_deploys(store)
    submit(store, push("a", "b", ref=V2))
    (pushed,) = the_deploys(store)

    assert (replayed.reason, replayed.requested_by, replayed.note) == (Reason.REPLAY, "bob", "now")
    assert (pushed.reason, pushed.requested_by, pushed.note) == (Reason.PUSH, "ann", "")
