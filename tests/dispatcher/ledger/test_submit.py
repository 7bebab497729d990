"""What becomes of a push: order, duplicates, coalescing."""

from __future__ import annotations

from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dispatcher.domain.model import Deploy, Outcome, Push, Result, State
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import Ledger
from tests.dispatcher.ledger.helpers import MAIN, push, sha, submit


def leased(ledger: Ledger, target: str = "shop") -> Snapshot:
    found = ledger.acquire(target, "a-token")
    assert isinstance(found, Snapshot)
    return found


def the_deploys(ledger: Ledger) -> list[Deploy]:
    return list(leased(ledger).deploys)


def move(ledger: Ledger, *states: State) -> None:
    """Takes the only open deploy through these states."""
    for state in states:
        seen = leased(ledger)
        (deploy,) = (d for d in seen.deploys if not d.terminal)
        ledger.record(seen, "a-token", deploys=[replace(deploy, state=state, attempt=1)])
    ledger.record(leased(ledger), "a-token", release=True)


def test_the_first_push_is_accepted_and_wakes_the_target(ledger: Ledger) -> None:
    result = submit(ledger, push("0", "a"))

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/1")
    (deploy,) = the_deploys(ledger)
    assert (deploy.commit, deploy.state, deploy.ref) == (sha("a"), State.PENDING, MAIN)
    assert deploy.created_at > 0


def test_a_waiting_deploy_takes_the_newer_commit_and_keeps_its_number(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"), delivery="one")
    result = submit(ledger, push("a", "b"), delivery="two")

    assert (result.outcome, result.deploy) == (Outcome.COALESCED, "shop/1")
    (deploy,) = the_deploys(ledger)
    assert (deploy.commit, deploy.merged, deploy.deliveries) == (sha("b"), 1, ("one", "two"))


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize("at", [(0, 0, 0, 0), (5, 5, 5, 5), (5, 6, 7, 8)])
def test_whatever_the_order_of_arrival_the_newest_commit_is_left(
    ledger: Ledger, order: tuple[int, ...], at: tuple[int, ...]
) -> None:
    submit(ledger, push("0", "a", at=4))
    chain = [push(before, after, at=t) for before, after, t in zip("abcd", "bcde", at, strict=True)]

    for index in order:
        submit(ledger, chain[index])

    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("e")]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(7)), known=st.booleans())
def test_seven_pushes_in_any_order_without_a_clock(
    ledger: Ledger, order: list[int], known: bool
) -> None:
    target = f"shop-{uuid4().hex[:8]}"
    if known:
        submit(ledger, push("0", "a"), target=target)
    chain = [push(before, after) for before, after in zip("abcdefg", "bcdefgh", strict=True)]

    for index in order:
        submit(ledger, chain[index], target=target)

    assert [deploy.commit for deploy in leased(ledger, target).deploys] == [sha("h")]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_same_holds_for_a_branch_that_was_never_seen(
    ledger: Ledger, order: tuple[int, ...]
) -> None:
    chain = [push(before, after) for before, after in zip("abcd", "bcde", strict=True)]

    for index in order:
        submit(ledger, chain[index])

    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("e")]


def test_a_push_that_is_late_is_stale_and_changes_nothing(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    submit(ledger, push("b", "c", at=9))
    result = submit(ledger, push("a", "b", at=8))

    assert result.outcome is Outcome.STALE
    assert sha("c") in result.reason
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("c")]


def test_a_branch_that_is_forced_back_deploys_the_old_commit(ledger: Ledger) -> None:
    for before, after in ("0a", "ab", "ba"):
        result = submit(ledger, push(before, after))

    assert result.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("a")]


def test_forced_back_to_a_commit_whose_own_push_was_the_first_seen(ledger: Ledger) -> None:
    submit(ledger, push("x", "d"))
    submit(ledger, push("d", "x"))

    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("x")]


def test_there_and_back_and_there_again_without_a_clock(ledger: Ledger) -> None:
    for before, after in ("0a", "ab", "ba", "ab"):
        result = submit(ledger, push(before, after))

    assert result.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("b")]


def test_the_same_push_under_another_delivery_is_a_duplicate(ledger: Ledger) -> None:
    submit(ledger, push("0", "a", at=7), delivery="one")
    result = submit(ledger, push("0", "a", at=7), delivery="two")

    assert (result.outcome, result.deploy) == (Outcome.DUPLICATE, "shop/1")


def test_a_repeated_delivery_gets_the_first_answer_again(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"), delivery="one")
    submit(ledger, push("a", "b"), delivery="two")
    result = submit(ledger, push("0", "a"), delivery="one")

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/1")
    assert "came before" in result.reason
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("b")]


def test_redelivered_after_a_failure_it_runs_again(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"), delivery="one")
    move(ledger, State.STARTING, State.FAILED)

    again = submit(ledger, push("0", "a"), delivery="one")

    assert (again.outcome, again.deploy) == (Outcome.ACCEPTED, "shop/2")


def test_redelivered_after_a_failure_it_does_not_run_when_something_newer_is_wanted(
    ledger: Ledger,
) -> None:
    submit(ledger, push("0", "a"), delivery="one")
    move(ledger, State.STARTING, State.FAILED)
    submit(ledger, push("a", "b"), delivery="two")

    again = submit(ledger, push("0", "a"), delivery="one")

    assert again.deploy == "shop/1"
    assert [d.commit for d in the_deploys(ledger) if not d.terminal] == [sha("b")]


def test_unchanged_is_said_only_after_the_commit_succeeded(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    move(ledger, State.STARTING, State.SUCCEEDED)
    submit(ledger, push("a", "0"))

    result = submit(ledger, push("0", "a", at=3))

    assert (result.outcome, result.deploy) == (Outcome.UNCHANGED, "")
    assert "shop/1" in result.reason


def test_a_deleted_branch_deploys_nothing_and_starts_a_new_chain(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    deleted = submit(ledger, push("a", "0"))
    late = submit(ledger, push("0", "b", at=3))

    assert deleted.outcome is Outcome.FILTERED
    assert late.outcome is Outcome.COALESCED


def test_deletion_that_comes_after_the_branch_was_made_anew_is_stale(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    submit(ledger, push("0", "b"))
    submit(ledger, push("a", "0"))
    result = submit(ledger, push("b", "c"))

    assert result.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("c")]


@pytest.mark.parametrize("ref", [MAIN, "refs/tags/v1"])
def test_made_anew_where_it_was_when_it_was_deleted_it_counts_though_that_push_was_lost(
    ledger: Ledger, ref: str
) -> None:
    """Each branch and tag begins and ends at no commit: no way past there tells what came after what."""
    submit(ledger, push("0", "a", ref, at=1))
    submit(ledger, push("b", "0", ref, at=3))  # a push from a to b has never come
    anew = submit(ledger, push("0", "b", ref, at=4))
    next_ = submit(ledger, push("b", "c", ref, at=5))

    assert anew.outcome is next_.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("c")]


def test_tags_are_one_stream_and_branches_are_their_own(ledger: Ledger) -> None:
    submit(ledger, push("0", "a", ref="refs/tags/v1"))
    submit(ledger, push("0", "b", ref="refs/tags/v2"))
    submit(ledger, push("0", "c", ref="refs/heads/main"))

    found = {d.stream: (d.number, d.ref, d.commit) for d in the_deploys(ledger)}
    assert found == {
        "refs/tags": (1, "refs/tags/v2", sha("b")),
        MAIN: (2, MAIN, sha("c")),
    }


def test_an_older_tag_that_arrives_late_does_not_roll_back(ledger: Ledger) -> None:
    submit(ledger, push("0", "b", ref="refs/tags/v2", at=20))
    result = submit(ledger, push("0", "a", ref="refs/tags/v1", at=10))

    assert result.outcome is Outcome.STALE


def test_a_push_that_arrives_while_a_worker_writes_is_not_overwritten(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    seen = leased(ledger)
    submit(ledger, push("a", "b"))

    starting = replace(seen.deploys[0], state=State.STARTING, attempt=1)
    answer = ledger.record(seen, "a-token", deploys=[starting])

    assert answer == "moved"
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("b")]


def test_a_push_that_is_filtered_still_moves_the_branch(ledger: Ledger) -> None:
    submit(ledger, push("0", "a"))
    passing = submit(ledger, push("a", "b"), filtered="only documents")
    late = submit(ledger, push("0", "a", at=1), delivery="again")

    assert (passing.outcome, passing.reason) == (Outcome.FILTERED, "only documents")
    assert late.outcome is Outcome.STALE
    assert submit(ledger, push("b", "c")).outcome is Outcome.COALESCED


def test_an_annotated_tag_deploys_its_commit_and_not_its_tag_object(ledger: Ledger) -> None:
    tag = replace(push("0", "tag-object", ref="refs/tags/v1"), commit=sha("c"))
    result = submit(ledger, tag)

    assert result.commit == sha("c")
    assert [deploy.commit for deploy in the_deploys(ledger)] == [sha("c")]


# Filters, and what they cannot know


def waiting(ledger: Ledger) -> list[str]:
    return [d.commit for d in the_deploys(ledger) if d.state is State.PENDING]


def paths(ledger: Ledger, what: Push, **more: Any) -> Result:
    return submit(ledger, what, filtered="no changed file is one of src/**", by_paths=True, **more)


def test_a_late_push_behind_a_filtered_one_is_deployed_with_the_branch(ledger: Ledger) -> None:
    submit(ledger, push("a", "b"))
    move(ledger, State.STARTING, State.SUCCEEDED)
    submit(ledger, push("c", "d"), filtered="[skip ci]")

    late = submit(ledger, push("b", "c"), delivery="late")

    assert (late.outcome, late.deploy) == (Outcome.ACCEPTED, "shop/2")
    assert late.reason == (
        f"it came late, and no deploy has had it: the branch is at {sha('d')} by now, which is deployed"
    )
    (deploy,) = (d for d in the_deploys(ledger) if not d.terminal)
    assert (deploy.commit, deploy.title, deploy.deliveries) == (sha("d"), "", ("late",))


def test_redelivered_after_that_has_failed_the_branch_is_deployed_again(ledger: Ledger) -> None:
    submit(ledger, push("a", "b"))
    submit(ledger, push("c", "d"), filtered="[skip ci]")
    submit(ledger, push("b", "c"), delivery="late")
    move(ledger, State.STARTING, State.FAILED)

    again = submit(ledger, push("b", "c"), delivery="late")

    assert (again.outcome, again.deploy) == (Outcome.ACCEPTED, "shop/2")
    assert waiting(ledger) == [sha("d")]


def test_a_filtered_push_that_closes_a_gap_deploys_what_is_behind_it(ledger: Ledger) -> None:
    submit(ledger, push("c", "d"))
    submit(ledger, push("a", "b"))

    joins = paths(ledger, push("b", "c"))

    assert (joins.outcome, joins.deploy) == (Outcome.COALESCED, "shop/1")
    assert "it closes a gap" in joins.reason
    assert joins.reason.endswith(f"shop/1 was waiting and was given commit {sha('d')[:8]}")
    assert waiting(ledger) == [sha("d")]


@pytest.mark.parametrize("before", ["c", "0"])
def test_a_push_that_does_not_follow_is_let_through_path_filters(
    ledger: Ledger, before: str
) -> None:
    submit(ledger, push("a", "b"))

    result = paths(ledger, push(before, "d"))

    assert result.outcome is Outcome.COALESCED
    assert f"which files changed since {sha('b')[:8]} is not known" in result.reason
    assert waiting(ledger) == [sha("d")]


def test_the_gap_is_remembered_behind_what_is_never_deployed(ledger: Ledger) -> None:
    submit(ledger, push("a", "b"))
    assert submit(ledger, push("c", "d"), filtered="[skip ci]").outcome is Outcome.FILTERED

    assert "since" in paths(ledger, push("d", "e")).reason
    assert paths(ledger, push("e", "f")).outcome is Outcome.FILTERED


@pytest.mark.parametrize("late", [(("b", "x", 2), ("x", "c", 3)), (("x", "c", 3), ("b", "x", 2))])
def test_the_gap_is_none_once_it_is_filled(
    ledger: Ledger, late: tuple[tuple[str, str, int], ...]
) -> None:
    submit(ledger, push("a", "b", at=1))
    submit(ledger, push("c", "d", at=4), filtered="[skip ci]")
    for before, after, at in late:
        paths(ledger, push(before, after, at=at))

    assert paths(ledger, push("d", "e", at=5)).outcome is Outcome.FILTERED
    assert waiting(ledger) == [sha("b")]


def test_a_branch_that_goes_back_is_let_through_path_filters_unless_it_is_deployed_there(
    ledger: Ledger,
) -> None:
    submit(ledger, push("a", "b"))
    paths(ledger, push("b", "c"))
    assert paths(ledger, push("c", "b")).outcome is Outcome.FILTERED

    result = paths(ledger, push("b", "a"))

    assert result.outcome is Outcome.COALESCED
    assert "the branch went back" in result.reason
    assert waiting(ledger) == [sha("a")]


@pytest.mark.parametrize("first", ["0", "x", ""])
def test_the_first_push_that_is_seen_of_a_branch_can_be_filtered(
    ledger: Ledger, first: str
) -> None:
    assert paths(ledger, push(first, "a")).outcome is Outcome.FILTERED


def test_a_sender_that_does_not_say_what_was_before_has_its_files_believed(ledger: Ledger) -> None:
    submit(ledger, push("", "a"))

    assert paths(ledger, push("", "b")).outcome is Outcome.FILTERED


def test_a_late_deletion_leaves_what_is_wanted_of_the_branch_made_anew(ledger: Ledger) -> None:
    for before, after in ("0a", "0b", "a0"):
        submit(ledger, push(before, after))

    assert ledger.client.hget(ledger.keys.chain("shop", MAIN), f"wanted {MAIN}") == sha("b")


def test_a_filtered_delivery_that_comes_again_says_why_whatever_filters_say_by_now(
    ledger: Ledger,
) -> None:
    submit(ledger, push("0", "a"), delivery="one", filtered="[skip ci]")

    again = submit(ledger, push("0", "a"), delivery="one")

    assert again.reason == "this delivery came before; its answer was: [skip ci]"


# What runs is a commit on a branch or tag

V1, V2, RC = "refs/tags/v1.0.0", "refs/tags/v2.0.0", "refs/tags/v1.0.0-rc1"
RELEASE = "refs/heads/release/1"


@pytest.mark.parametrize("every", [0, 20])
@pytest.mark.parametrize(("first", "second"), [(RC, V1), (MAIN, RELEASE), (MAIN, V1), (V1, MAIN)])
def test_the_same_commit_under_another_name_is_another_deploy(
    ledger: Ledger, first: str, second: str, every: int
) -> None:
    submit(ledger, push("0", "x", ref=first), every=every)
    move(ledger, State.STARTING, State.SUCCEEDED)

    other = submit(ledger, push("0", "x", ref=second), every=every)
    same = submit(ledger, push("", "x", ref=second), every=every)

    assert (other.outcome, other.deploy) == (Outcome.ACCEPTED, "shop/2")
    assert (same.outcome, same.deploy) == (Outcome.COALESCED, "shop/2")
    assert [d.ref for d in the_deploys(ledger) if not d.terminal] == [second]


def test_beside_one_that_runs_with_the_commit_too(ledger: Ledger) -> None:
    submit(ledger, push("0", "x", ref=RC))
    move(ledger, State.STARTING, State.RUNNING)

    other = submit(ledger, push("0", "x", ref=V1))

    assert (other.outcome, other.deploy) == (Outcome.ACCEPTED, "shop/2")


def test_one_that_waits_with_the_commit_is_given_the_newer_tag(ledger: Ledger) -> None:
    submit(ledger, push("0", "x", ref=RC))
    submit(ledger, push("0", "x", ref=V1))

    assert [(d.number, d.ref) for d in the_deploys(ledger)] == [(1, V1)]


def test_where_every_push_is_deployed_each_tag_waits_by_itself(ledger: Ledger) -> None:
    for ref in (RC, V1):
        submit(ledger, push("0", "x", ref=ref), every=20)

    assert [(d.number, d.ref) for d in the_deploys(ledger)] == [(1, RC), (2, V1)]


def test_redelivered_after_a_failure_it_is_not_the_other_tags_deploy_that_counts(
    ledger: Ledger,
) -> None:
    submit(ledger, push("0", "x", ref=RC), delivery="one")
    submit(ledger, push("0", "x", ref=V1), delivery="two")
    move(ledger, State.STARTING, State.FAILED)

    assert "came before" in submit(ledger, push("0", "x", ref=RC), delivery="one").reason
    assert submit(ledger, push("0", "x", ref=V1), delivery="two").deploy == "shop/2"


# Tags


def test_where_every_push_is_deployed_no_tag_is_too_old(ledger: Ledger) -> None:
    submit(ledger, push("0", "b", ref=V2, at=20), every=20)
    older = submit(ledger, push("0", "a", ref=V1, at=10), every=20)

    assert (older.outcome, older.deploy) == (Outcome.ACCEPTED, "shop/2")


@pytest.mark.parametrize("known", [False, True])
def test_where_they_are_merged_an_older_tag_is_stale_and_the_newer_is_named(
    ledger: Ledger, known: bool
) -> None:
    if known:
        submit(ledger, push("0", "a", ref=V1, at=9))
    submit(ledger, push("0", "b", ref=V2, at=20))
    older = submit(ledger, push("a", "c", ref=V1, at=10))

    assert older.outcome is Outcome.STALE
    assert older.reason == (
        "by its host's clock, tag v2.0.0 was pushed after it, and the target deploys the newest tag"
    )


def test_a_tag_that_nobody_wants_makes_none_stale(ledger: Ledger) -> None:
    submit(ledger, push("0", "b", ref=V2, at=20), filtered="[skip ci]")

    assert submit(ledger, push("0", "a", ref=V1, at=10)).outcome is Outcome.ACCEPTED


def test_an_annotated_tag_that_was_moved_twice_deploys_the_commit_of_the_last(
    ledger: Ledger,
) -> None:
    second = replace(push("t2", "t3", ref=V1), commit=sha("c3"))
    submit(ledger, replace(push("t0", "t1", ref=V1), commit=sha("c1")))
    submit(ledger, second)
    submit(ledger, replace(push("t1", "t2", ref=V1), commit=sha("c2")), filtered="[skip ci]")

    assert waiting(ledger) == [sha("c3")]


def test_what_was_turned_away_for_want_of_room_is_deployed_with_what_comes_next(
    ledger: Ledger,
) -> None:
    """It was wanted, and no deploy has had it: a filtered push that follows has to bring it."""
    submit(ledger, push("0", "x", ref=RELEASE))
    assert submit(ledger, push("a", "b"), most_open=1).outcome is Outcome.REJECTED
    move(ledger, State.STARTING, State.SUCCEEDED)

    result = submit(ledger, push("b", "c"), most_open=1, filtered="[skip ci]")

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/2")
    assert waiting(ledger) == [sha("c")]
