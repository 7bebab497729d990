"""What becomes of a push: order, duplicates, coalescing."""

from __future__ import annotations

from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.domain.push import Push
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import Store, Targets
from tests.dispatcher.ledger.helpers import MAIN, push, sha, submit
from tests.examples import examples


def leased(store: Store, target: str = "shop") -> Snapshot:
    found = Targets(store).acquire(target, "a-token")
    assert isinstance(found, Snapshot)
    return found


def the_deploys(store: Store) -> list[Deploy]:
    return list(leased(store).deploys)


def move(store: Store, *states: State) -> None:
    """Takes the only open deploy through these states."""
    for state in states:
        seen = leased(store)
        (deploy,) = (d for d in seen.deploys if not d.terminal)
        Targets(store).record(seen, "a-token", deploys=[replace(deploy, state=state, attempt=1)])
    Targets(store).record(leased(store), "a-token", release=True)


def test_the_first_push_is_accepted_and_wakes_the_target(store: Store) -> None:
    result = submit(store, push("0", "a"))

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/1")
    (deploy,) = the_deploys(store)
    assert (deploy.commit, deploy.state, deploy.ref) == (sha("a"), State.PENDING, MAIN)
    assert deploy.created_at > 0


def test_a_waiting_deploy_takes_the_newer_commit_and_keeps_its_number(store: Store) -> None:
    submit(store, push("0", "a"), delivery="one")
    result = submit(store, push("a", "b"), delivery="two")

    assert (result.outcome, result.deploy) == (Outcome.COALESCED, "shop/1")
    (deploy,) = the_deploys(store)
    assert (deploy.commit, deploy.merged, deploy.deliveries) == (sha("b"), 1, ("one", "two"))


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize("at", [(0, 0, 0, 0), (5, 5, 5, 5), (5, 6, 7, 8)])
def test_whatever_the_order_of_arrival_the_newest_commit_is_left(
    store: Store, order: tuple[int, ...], at: tuple[int, ...]
) -> None:
    submit(store, push("0", "a", at=4))
    chain = [push(before, after, at=t) for before, after, t in zip("abcd", "bcde", at, strict=True)]

    for index in order:
        submit(store, chain[index])

    assert [deploy.commit for deploy in the_deploys(store)] == [sha("e")]


@examples(120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(7)), known=st.booleans())
def test_seven_pushes_in_any_order_without_a_clock(
    store: Store, order: list[int], known: bool
) -> None:
    target = f"shop-{uuid4().hex[:8]}"
    if known:
        submit(store, push("0", "a"), target=target)
    chain = [push(before, after) for before, after in zip("abcdefg", "bcdefgh", strict=True)]

    for index in order:
        submit(store, chain[index], target=target)

    assert [deploy.commit for deploy in leased(store, target).deploys] == [sha("h")]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_same_holds_for_a_branch_that_was_never_seen(
    store: Store, order: tuple[int, ...]
) -> None:
    chain = [push(before, after) for before, after in zip("abcd", "bcde", strict=True)]

    for index in order:
        submit(store, chain[index])

    assert [deploy.commit for deploy in the_deploys(store)] == [sha("e")]


def test_a_push_that_is_late_is_stale_and_changes_nothing(store: Store) -> None:
    submit(store, push("0", "a"))
    submit(store, push("b", "c", at=9))
    result = submit(store, push("a", "b", at=8))

    assert result.outcome is Outcome.STALE
    assert sha("c") in result.reason
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("c")]


def test_a_branch_that_is_forced_back_deploys_the_old_commit(store: Store) -> None:
    for before, after in ("0a", "ab", "ba"):
        result = submit(store, push(before, after))

    assert result.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("a")]


def test_forced_back_to_a_commit_whose_own_push_was_the_first_seen(store: Store) -> None:
    submit(store, push("x", "d"))
    submit(store, push("d", "x"))

    assert [deploy.commit for deploy in the_deploys(store)] == [sha("x")]


def test_there_and_back_and_there_again_without_a_clock(store: Store) -> None:
    for before, after in ("0a", "ab", "ba", "ab"):
        result = submit(store, push(before, after))

    assert result.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("b")]


def test_the_same_push_under_another_delivery_is_a_duplicate(store: Store) -> None:
    submit(store, push("0", "a", at=7), delivery="one")
    result = submit(store, push("0", "a", at=7), delivery="two")

    assert (result.outcome, result.deploy) == (Outcome.DUPLICATE, "shop/1")


def test_a_repeated_delivery_gets_the_first_answer_again(store: Store) -> None:
    submit(store, push("0", "a"), delivery="one")
    submit(store, push("a", "b"), delivery="two")
    result = submit(store, push("0", "a"), delivery="one")

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/1")
    assert "came before" in result.reason
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("b")]


def test_redelivered_after_a_failure_it_runs_again(store: Store) -> None:
    submit(store, push("0", "a"), delivery="one")
    move(store, State.STARTING, State.FAILED)

    again = submit(store, push("0", "a"), delivery="one")

    assert (again.outcome, again.deploy) == (Outcome.ACCEPTED, "shop/2")


def test_redelivered_after_a_failure_it_does_not_run_when_something_newer_is_wanted(
    store: Store,
) -> None:
    submit(store, push("0", "a"), delivery="one")
    move(store, State.STARTING, State.FAILED)
    submit(store, push("a", "b"), delivery="two")

    again = submit(store, push("0", "a"), delivery="one")

    assert again.deploy == "shop/1"
    assert [d.commit for d in the_deploys(store) if not d.terminal] == [sha("b")]


def test_unchanged_is_said_only_after_the_commit_succeeded(store: Store) -> None:
    submit(store, push("0", "a"))
    move(store, State.STARTING, State.SUCCEEDED)
    submit(store, push("a", "0"))

    result = submit(store, push("0", "a", at=3))

    assert (result.outcome, result.deploy) == (Outcome.UNCHANGED, "")
    assert "shop/1" in result.reason


def test_a_deleted_branch_deploys_nothing_and_starts_a_new_chain(store: Store) -> None:
    submit(store, push("0", "a"))
    deleted = submit(store, push("a", "0"))
    late = submit(store, push("0", "b", at=3))

    assert deleted.outcome is Outcome.FILTERED
    assert late.outcome is Outcome.COALESCED


def test_deletion_that_comes_after_the_branch_was_made_anew_is_stale(store: Store) -> None:
    submit(store, push("0", "a"))
    submit(store, push("0", "b"))
    submit(store, push("a", "0"))
    result = submit(store, push("b", "c"))

    assert result.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("c")]


@pytest.mark.parametrize("ref", [MAIN, "refs/tags/v1"])
def test_made_anew_where_it_was_when_it_was_deleted_it_counts_though_that_push_was_lost(
    store: Store, ref: str
) -> None:
    """Each branch and tag begins and ends at no commit: no way past there tells what came after what."""
    submit(store, push("0", "a", ref, at=1))
    submit(store, push("b", "0", ref, at=3))  # a push from a to b has never come
    anew = submit(store, push("0", "b", ref, at=4))
    next_ = submit(store, push("b", "c", ref, at=5))

    assert anew.outcome is next_.outcome is Outcome.COALESCED
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("c")]


def test_tags_are_one_stream_and_branches_are_their_own(store: Store) -> None:
    submit(store, push("0", "a", ref="refs/tags/v1"))
    submit(store, push("0", "b", ref="refs/tags/v2"))
    submit(store, push("0", "c", ref="refs/heads/main"))

    found = {d.stream: (d.number, d.ref, d.commit) for d in the_deploys(store)}
    assert found == {
        "refs/tags": (1, "refs/tags/v2", sha("b")),
        MAIN: (2, MAIN, sha("c")),
    }


def test_an_older_tag_that_arrives_late_does_not_roll_back(store: Store) -> None:
    submit(store, push("0", "b", ref="refs/tags/v2", at=20))
    result = submit(store, push("0", "a", ref="refs/tags/v1", at=10))

    assert result.outcome is Outcome.STALE


def test_a_push_that_arrives_while_a_worker_writes_is_not_overwritten(store: Store) -> None:
    submit(store, push("0", "a"))
    seen = leased(store)
    submit(store, push("a", "b"))

    starting = replace(seen.deploys[0], state=State.STARTING, attempt=1)
    answer = Targets(store).record(seen, "a-token", deploys=[starting])

    assert answer == "moved"
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("b")]


def test_a_push_that_is_filtered_still_moves_the_branch(store: Store) -> None:
    submit(store, push("0", "a"))
    passing = submit(store, push("a", "b"), filtered="only documents")
    late = submit(store, push("0", "a", at=1), delivery="again")

    assert (passing.outcome, passing.reason) == (Outcome.FILTERED, "only documents")
    assert late.outcome is Outcome.STALE
    assert submit(store, push("b", "c")).outcome is Outcome.COALESCED


def test_an_annotated_tag_deploys_its_commit_and_not_its_tag_object(store: Store) -> None:
    tag = replace(push("0", "tag-object", ref="refs/tags/v1"), commit=sha("c"))
    result = submit(store, tag)

    assert result.commit == sha("c")
    assert [deploy.commit for deploy in the_deploys(store)] == [sha("c")]


# Filters, and what they cannot know


def waiting(store: Store) -> list[str]:
    return [d.commit for d in the_deploys(store) if d.state is State.PENDING]


def paths(store: Store, what: Push, **more: Any) -> Result:
    return submit(store, what, filtered="no changed file matches src/**", by_paths=True, **more)


def test_a_late_push_behind_a_filtered_one_is_deployed_with_the_branch(store: Store) -> None:
    submit(store, push("a", "b"))
    move(store, State.STARTING, State.SUCCEEDED)
    submit(store, push("c", "d"), filtered="[skip ci]")

    late = submit(store, push("b", "c"), delivery="late")

    assert (late.outcome, late.deploy) == (Outcome.ACCEPTED, "shop/2")
    assert late.reason == (
        f"it came late, and no deploy has had it: the branch is at {sha('d')} by now, which is deployed"
    )
    (deploy,) = (d for d in the_deploys(store) if not d.terminal)
    assert (deploy.commit, deploy.title, deploy.deliveries) == (sha("d"), "", ("late",))


def test_redelivered_after_that_has_failed_the_branch_is_deployed_again(store: Store) -> None:
    submit(store, push("a", "b"))
    submit(store, push("c", "d"), filtered="[skip ci]")
    submit(store, push("b", "c"), delivery="late")
    move(store, State.STARTING, State.FAILED)

    again = submit(store, push("b", "c"), delivery="late")

    assert (again.outcome, again.deploy) == (Outcome.ACCEPTED, "shop/2")
    assert waiting(store) == [sha("d")]


def test_a_filtered_push_that_closes_a_gap_deploys_what_is_behind_it(store: Store) -> None:
    submit(store, push("c", "d"))
    submit(store, push("a", "b"))

    joins = paths(store, push("b", "c"))

    assert (joins.outcome, joins.deploy) == (Outcome.COALESCED, "shop/1")
    assert "it closes a gap" in joins.reason
    assert joins.reason.endswith(f"shop/1 was waiting and was given commit {sha('d')[:8]}")
    assert waiting(store) == [sha("d")]


@pytest.mark.parametrize("before", ["c", "0"])
def test_a_push_that_does_not_follow_is_let_through_path_filters(store: Store, before: str) -> None:
    submit(store, push("a", "b"))

    result = paths(store, push(before, "d"))

    assert result.outcome is Outcome.COALESCED
    assert f"the files changed since {sha('b')[:8]} are unknown" in result.reason
    assert waiting(store) == [sha("d")]


def test_the_gap_is_remembered_behind_what_is_never_deployed(store: Store) -> None:
    submit(store, push("a", "b"))
    assert submit(store, push("c", "d"), filtered="[skip ci]").outcome is Outcome.FILTERED

    assert "since" in paths(store, push("d", "e")).reason
    assert paths(store, push("e", "f")).outcome is Outcome.FILTERED


@pytest.mark.parametrize("late", [(("b", "x", 2), ("x", "c", 3)), (("x", "c", 3), ("b", "x", 2))])
def test_the_gap_is_none_once_it_is_filled(
    store: Store, late: tuple[tuple[str, str, int], ...]
) -> None:
    submit(store, push("a", "b", at=1))
    submit(store, push("c", "d", at=4), filtered="[skip ci]")
    for before, after, at in late:
        paths(store, push(before, after, at=at))

    assert paths(store, push("d", "e", at=5)).outcome is Outcome.FILTERED
    assert waiting(store) == [sha("b")]


def test_a_branch_that_goes_back_is_let_through_path_filters_unless_it_is_deployed_there(
    store: Store,
) -> None:
    submit(store, push("a", "b"))
    paths(store, push("b", "c"))
    assert paths(store, push("c", "b")).outcome is Outcome.FILTERED

    result = paths(store, push("b", "a"))

    assert result.outcome is Outcome.COALESCED
    assert "the branch went back: the changed files are unknown" in result.reason
    assert waiting(store) == [sha("a")]


@pytest.mark.parametrize("first", ["0", "x", ""])
def test_the_first_push_that_is_seen_of_a_branch_can_be_filtered(store: Store, first: str) -> None:
    assert paths(store, push(first, "a")).outcome is Outcome.FILTERED


def test_a_sender_that_does_not_say_what_was_before_has_its_files_believed(store: Store) -> None:
    submit(store, push("", "a"))

    assert paths(store, push("", "b")).outcome is Outcome.FILTERED


def test_a_late_deletion_leaves_what_is_wanted_of_the_branch_made_anew(store: Store) -> None:
    for before, after in ("0a", "0b", "a0"):
        submit(store, push(before, after))

    assert store.client.hget(store.keys.chain("shop", MAIN), f"wanted {MAIN}") == sha("b")


def test_a_filtered_delivery_that_comes_again_says_why_whatever_filters_say_by_now(
    store: Store,
) -> None:
    submit(store, push("0", "a"), delivery="one", filtered="[skip ci]")

    again = submit(store, push("0", "a"), delivery="one")

    assert again.reason == "this delivery came before; its answer was: [skip ci]"


# What runs is a commit on a branch or tag

V1, V2, RC = "refs/tags/v1.0.0", "refs/tags/v2.0.0", "refs/tags/v1.0.0-rc1"
RELEASE = "refs/heads/release/1"


@pytest.mark.parametrize("every", [0, 20])
@pytest.mark.parametrize(("first", "second"), [(RC, V1), (MAIN, RELEASE), (MAIN, V1), (V1, MAIN)])
def test_the_same_commit_under_another_name_is_another_deploy(
    store: Store, first: str, second: str, every: int
) -> None:
    submit(store, push("0", "x", ref=first), every=every)
    move(store, State.STARTING, State.SUCCEEDED)

    other = submit(store, push("0", "x", ref=second), every=every)
    same = submit(store, push("", "x", ref=second), every=every)

    assert (other.outcome, other.deploy) == (Outcome.ACCEPTED, "shop/2")
    assert (same.outcome, same.deploy) == (Outcome.COALESCED, "shop/2")
    assert [d.ref for d in the_deploys(store) if not d.terminal] == [second]


def test_beside_one_that_runs_with_the_commit_too(store: Store) -> None:
    submit(store, push("0", "x", ref=RC))
    move(store, State.STARTING, State.RUNNING)

    other = submit(store, push("0", "x", ref=V1))

    assert (other.outcome, other.deploy) == (Outcome.ACCEPTED, "shop/2")


def test_one_that_waits_with_the_commit_is_given_the_newer_tag(store: Store) -> None:
    submit(store, push("0", "x", ref=RC))
    submit(store, push("0", "x", ref=V1))

    assert [(d.number, d.ref) for d in the_deploys(store)] == [(1, V1)]


def test_where_every_push_is_deployed_each_tag_waits_by_itself(store: Store) -> None:
    for ref in (RC, V1):
        submit(store, push("0", "x", ref=ref), every=20)

    assert [(d.number, d.ref) for d in the_deploys(store)] == [(1, RC), (2, V1)]


def test_redelivered_after_a_failure_it_is_not_the_other_tags_deploy_that_counts(
    store: Store,
) -> None:
    submit(store, push("0", "x", ref=RC), delivery="one")
    submit(store, push("0", "x", ref=V1), delivery="two")
    move(store, State.STARTING, State.FAILED)

    assert "came before" in submit(store, push("0", "x", ref=RC), delivery="one").reason
    assert submit(store, push("0", "x", ref=V1), delivery="two").deploy == "shop/2"


# Tags


def test_where_every_push_is_deployed_no_tag_is_too_old(store: Store) -> None:
    submit(store, push("0", "b", ref=V2, at=20), every=20)
    older = submit(store, push("0", "a", ref=V1, at=10), every=20)

    assert (older.outcome, older.deploy) == (Outcome.ACCEPTED, "shop/2")


@pytest.mark.parametrize("known", [False, True])
def test_where_they_are_merged_an_older_tag_is_stale_and_the_newer_is_named(
    store: Store, known: bool
) -> None:
    if known:
        submit(store, push("0", "a", ref=V1, at=9))
    submit(store, push("0", "b", ref=V2, at=20))
    older = submit(store, push("a", "c", ref=V1, at=10))

    assert older.outcome is Outcome.STALE
    assert older.reason == (
        "by its host's clock, tag v2.0.0 was pushed after it, and the target deploys the newest tag"
    )


def test_a_tag_that_nobody_wants_makes_none_stale(store: Store) -> None:
    submit(store, push("0", "b", ref=V2, at=20), filtered="[skip ci]")

    assert submit(store, push("0", "a", ref=V1, at=10)).outcome is Outcome.ACCEPTED


def test_an_annotated_tag_that_was_moved_twice_deploys_the_commit_of_the_last(
    store: Store,
) -> None:
    second = replace(push("t2", "t3", ref=V1), commit=sha("c3"))
    submit(store, replace(push("t0", "t1", ref=V1), commit=sha("c1")))
    submit(store, second)
    submit(store, replace(push("t1", "t2", ref=V1), commit=sha("c2")), filtered="[skip ci]")

    assert waiting(store) == [sha("c3")]


def test_what_was_turned_away_for_want_of_room_is_deployed_with_what_comes_next(
    store: Store,
) -> None:
    """It was wanted, and no deploy has had it: a filtered push that follows has to bring it."""
    submit(store, push("0", "x", ref=RELEASE))
    assert submit(store, push("a", "b"), most_open=1).outcome is Outcome.REJECTED
    move(store, State.STARTING, State.SUCCEEDED)

    result = submit(store, push("b", "c"), most_open=1, filtered="[skip ci]")

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/2")
    assert waiting(store) == [sha("c")]
