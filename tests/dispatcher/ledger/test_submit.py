"""What becomes of a push: order, duplicates, coalescing."""

from __future__ import annotations

from itertools import permutations
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dispatcher.ledger import Ledger, Snapshot
from dispatcher.model import Deploy, Outcome, State
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
