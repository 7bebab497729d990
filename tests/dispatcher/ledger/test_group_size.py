"""How large a group may be, by what the last ones took."""

from __future__ import annotations

import pytest

from dispatcher.ledger.group_size import BUDGET, FIRST, LARGEST, GroupSize


def after(groups: int, *, trip: float, each: float) -> list[int]:
    """The sizes of so many full groups, where a round trip and a push take so long."""
    size, sizes = GroupSize(), []
    for _ in range(groups):
        sizes.append(size.most)
        size.note(size.most, trip + each * size.most)
    return sizes


@pytest.mark.parametrize("trip", [0.0002, 0.03, 0.2])
def test_what_is_fast_grows_to_the_largest_group(trip: float) -> None:
    """However far away Redis is."""
    sizes = after(60, trip=trip, each=0.00001)

    assert sizes[:2] == [1, FIRST]
    assert sizes[-1] == LARGEST


@pytest.mark.parametrize("trip", [0.0002, 0.03])
@pytest.mark.parametrize("each", [0.0005, 0.004])
def test_what_is_slow_stays_within_the_budget(trip: float, each: float) -> None:
    """All but the first ones, by which it is found out."""
    sizes = after(60, trip=trip, each=each)

    assert max(size * each for size in sizes) <= max(2 * BUDGET, FIRST * each)
    assert max(size * each for size in sizes[30:]) <= BUDGET + 2 * each


def test_what_becomes_fast_again_grows_again() -> None:
    size = GroupSize()
    for _ in range(30):
        size.note(size.most, 0.001 + 0.05 * size.most)
    assert size.most < FIRST

    for _ in range(30):
        size.note(size.most, 0.001 + 0.00001 * size.most)
    assert size.most == LARGEST


def test_a_single_push_that_took_long_says_little() -> None:
    size = GroupSize()
    for _ in range(10):
        size.note(1, 0.001)
        size.note(400, 0.010)

    size.note(1, 0.1)

    assert size.most > 100


def test_a_redis_that_is_farther_away_than_before_is_not_taken_for_a_slow_one() -> None:
    size = GroupSize()
    for _ in range(30):
        size.note(size.most, 0.0002 + 0.00001 * size.most)

    sizes = []
    for _ in range(200):
        sizes.append(size.most)
        size.note(size.most, 0.060 + 0.00001 * size.most)

    assert sizes[-1] == LARGEST
