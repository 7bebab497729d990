"""What somebody may have meant."""

from __future__ import annotations

import pytest

from dispatcher.domain.suggestions import did_you_mean, nearest


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("shpo", 'did you mean "shop"?'),
        ("shop-dcos", 'did you mean "shop-docs"?'),
        ("x", "there are: lab, shop, shop-docs"),
        ("", "there are: lab, shop, shop-docs"),
        ("shop" * 100_000, "there are: lab, shop, shop-docs"),
    ],
)
def test_the_nearest_or_all_there_are(word: str, remedy: str) -> None:
    assert did_you_mean(word, ["shop", "shop-docs", "lab"]) == remedy


def test_a_long_list_is_cut_and_an_empty_one_called_so() -> None:
    many = [f"target-{number:03}" for number in range(213)]

    assert did_you_mean("x", many).endswith("target-038, target-039 and 173 more")
    assert did_you_mean("x", []) == "there are none"


def test_nothing_is_near_where_nothing_is_alike() -> None:
    assert nearest("421", ["41", "42"]) == "42"
    assert nearest("7", ["41", "42"]) == ""
