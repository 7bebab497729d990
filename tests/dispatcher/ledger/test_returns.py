"""Branches that go back, or go and come again, where some of the pushes in between are lost or late."""

from __future__ import annotations

import msgspec

from dispatcher.domain.model import Deploy, Outcome
from dispatcher.ledger import Ledger
from tests.dispatcher.ledger.helpers import push, sha, submit


def newest(ledger: Ledger) -> str:
    """Commit of the newest deploy."""
    raw = ledger.client.hgetall(ledger.keys.deploys("shop"))
    deploys = [msgspec.json.decode(each, type=Deploy) for each in raw.values()]
    return max(deploys, key=lambda deploy: deploy.number).commit


def test_a_branch_that_goes_back_after_a_lost_push_deploys_the_old_commit(ledger: Ledger) -> None:
    submit(ledger, push("x", "a", at=1_000))
    submit(ledger, push("a", "b", at=2_000))
    # from b to c, at 3,000: lost

    result = submit(ledger, push("c", "a", at=4_000))

    assert result.outcome is Outcome.COALESCED
    assert newest(ledger) == sha("a")


def test_what_led_there_first_and_comes_late_is_stale_whatever_its_clock_says(
    ledger: Ledger,
) -> None:
    submit(ledger, push("a", "b", at=2_000))

    result = submit(ledger, push("x", "a", at=2_500))

    assert result.outcome is Outcome.STALE
    assert newest(ledger) == sha("b")


def test_a_branch_that_was_deleted_after_a_lost_push_is_deployed_once_it_is_restored(
    ledger: Ledger,
) -> None:
    submit(ledger, push("0", "a", at=1_000))
    submit(ledger, push("a", "b", at=2_000))
    # from b to c, at 3,000: lost
    submit(ledger, push("c", "0", at=4_000), filtered="deleted")

    result = submit(ledger, push("0", "c", at=5_000))

    assert result.outcome is Outcome.COALESCED
    assert newest(ledger) == sha("c")


def test_a_late_deletion_that_closes_a_gap_deploys_what_is_behind_it(ledger: Ledger) -> None:
    """The branch was a, b, c, was deleted and made anew: d, e."""
    for before, after in [("a", "b"), ("0", "d"), ("b", "c"), ("d", "e"), ("0", "a")]:
        submit(ledger, push(before, after))
    assert newest(ledger) == sha("c")

    result = submit(ledger, push("c", "0"), filtered="deleted")

    assert result.outcome is Outcome.COALESCED
    assert "it closes a gap" in result.reason
    assert newest(ledger) == sha("e")


def test_a_filtered_push_that_comes_again_under_another_id_is_not_where_the_branch_is(
    ledger: Ledger,
) -> None:
    """By a host without a clock: no to e over a, b, c and d."""
    submit(ledger, push("a", "b"))
    submit(ledger, push("d", "e"))
    submit(ledger, push("c", "d"), filtered="paths", by_paths=True)
    submit(ledger, push("0", "a"))
    again = submit(ledger, push("c", "d"), filtered="paths", by_paths=True)

    submit(ledger, push("b", "c"))

    assert again.outcome is Outcome.FILTERED
    assert newest(ledger) == sha("e")
