"""Branches that go back, or go and come again, where some of the pushes in between are lost or late."""

from __future__ import annotations

import msgspec

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.outcome import Outcome
from dispatcher.ledger import Store
from tests.dispatcher.ledger.helpers import push, sha, submit


def newest(store: Store) -> str:
    """Commit of the newest deploy."""
    raw = store.client.hgetall(store.keys.deploys("shop"))
    deploys = [msgspec.json.decode(each, type=Deploy) for each in raw.values()]
    return max(deploys, key=lambda deploy: deploy.number).commit


def test_a_branch_that_goes_back_after_a_lost_push_deploys_the_old_commit(store: Store) -> None:
    submit(store, push("x", "a", at=1_000))
    submit(store, push("a", "b", at=2_000))
    # from b to c, at 3,000: lost

    result = submit(store, push("c", "a", at=4_000))

    assert result.outcome is Outcome.COALESCED
    assert newest(store) == sha("a")


def test_what_led_there_first_and_comes_late_is_stale_whatever_its_clock_says(
    store: Store,
) -> None:
    submit(store, push("a", "b", at=2_000))

    result = submit(store, push("x", "a", at=2_500))

    assert result.outcome is Outcome.STALE
    assert newest(store) == sha("b")


def test_a_branch_that_was_deleted_after_a_lost_push_is_deployed_once_it_is_restored(
    store: Store,
) -> None:
    submit(store, push("0", "a", at=1_000))
    submit(store, push("a", "b", at=2_000))
    # from b to c, at 3,000: lost
    submit(store, push("c", "0", at=4_000), filtered="deleted")

    result = submit(store, push("0", "c", at=5_000))

    assert result.outcome is Outcome.COALESCED
    assert newest(store) == sha("c")


def test_a_late_deletion_that_closes_a_gap_deploys_what_is_behind_it(store: Store) -> None:
    """The branch was a, b, c, was deleted and made anew: d, e."""
    for before, after in [("a", "b"), ("0", "d"), ("b", "c"), ("d", "e"), ("0", "a")]:
        submit(store, push(before, after))
    assert newest(store) == sha("c")

    result = submit(store, push("c", "0"), filtered="deleted")

    assert result.outcome is Outcome.COALESCED
    assert "it closes a gap" in result.reason
    assert newest(store) == sha("e")


def test_a_filtered_push_that_comes_again_under_another_id_is_not_where_the_branch_is(
    store: Store,
) -> None:
    """By a host without a clock: no to e over a, b, c and d."""
    submit(store, push("a", "b"))
    submit(store, push("d", "e"))
    submit(store, push("c", "d"), filtered="paths", by_paths=True)
    submit(store, push("0", "a"))
    again = submit(store, push("c", "d"), filtered="paths", by_paths=True)

    submit(store, push("b", "c"))

    assert again.outcome is Outcome.FILTERED
    assert newest(store) == sha("e")
