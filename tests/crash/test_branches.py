"""What the verdict takes for the newest push that was answered."""

from __future__ import annotations

from tests.crash.branches import Branch


def branch_of(*answers: tuple[str, str]) -> Branch:
    """A push for each (outcome, deploy), answered one after the other."""
    branch = Branch("refs/heads/main")
    for at, (outcome, deploy) in enumerate(answers, 1):
        push = branch.move(f"{at:040x}", f"d{at}", dated=False)
        push.sent, push.answered, push.outcome, push.deploy = at, at, outcome, deploy
    return branch


def test_the_newest_that_was_accepted_by_then_counts() -> None:
    branch = branch_of(("accepted", "shop/1"), ("accepted", "shop/2"), ("coalesced", "shop/2"))

    assert [branch.answered_by(moment, set()) for moment in (0.5, 1.5, 2.5, 9)] == [-1, 0, 1, 2]


def test_what_somebody_cancelled_counts_no_more() -> None:
    branch = branch_of(("accepted", "shop/1"), ("accepted", "shop/2"))

    assert branch.answered_by(9, {2}) == 0


def test_a_push_that_was_stale_by_a_cancelled_one_does_not_count_either() -> None:
    branch = branch_of(("accepted", "shop/1"), ("stale", ""), ("accepted", "shop/2"))

    assert branch.answered_by(9, {2}) == 0
    assert branch.answered_by(9, set()) == 2
