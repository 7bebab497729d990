"""Ranges mean what npm's mean; nothing that anyone writes raises anything else,
and the work grows with the text and no faster."""

from __future__ import annotations

import operator
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dispatcher.matching.semver import MAX_VERSION, Range, UnusableRange, Version, version_of
from tests.examples import examples
from tests.growth import grows_linearly


def within(range_: str, tag: str) -> bool:
    version = version_of(tag)
    return version is not None and version in Range(range_)


@pytest.mark.parametrize(
    ("range_", "yes", "no"),
    [
        (">=1.2.0 <2.0.0", ["1.2.0", "v1.9.9"], ["1.1.9", "2.0.0", "1.5.0-rc.1", "2.0.0-rc.1"]),
        (">=1.2 <2", ["1.2.0"], ["1.1.9", "2.0.0"]),
        (">= 1.2   < 2", ["1.2.0"], ["2.0.0"]),
        ("1.2.3", ["1.2.3", "v1.2.3", "1.2.3+build.5"], ["1.2.4", "1.2.3-rc.1"]),
        ("=v1.2.3", ["1.2.3"], ["1.2.4"]),
        ("1.2", ["1.2.0", "1.2.9"], ["1.3.0", "1.1.9"]),
        ("1.2.x", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("1.X", ["1.0.0", "1.9.0"], ["2.0.0", "0.9.0"]),
        ("1.*.*", ["1.9.0"], ["2.0.0"]),
        ("*", ["0.0.0", "9.9.9"], ["1.0.0-rc.1"]),
        (">1.2", ["1.3.0"], ["1.2.9", "1.3.0-rc.1"]),
        ("<=1.2", ["1.2.9", "0.1.0"], ["1.3.0"]),
        ("<1.2", ["1.1.9"], ["1.2.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0", "1.2.2"]),
        ("~1.2", ["1.2.0"], ["1.3.0"]),
        ("~1", ["1.9.0"], ["2.0.0"]),
        ("^1.2.3", ["1.2.3", "1.9.0"], ["2.0.0", "1.2.2"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^0.0", ["0.0.9"], ["0.1.0"]),
        ("^0", ["0.9.9"], ["1.0.0"]),
        ("1.x || >=3.1", ["1.5.0", "3.1.0"], ["2.0.0", "3.0.9"]),
        (">=1.4.0-rc.1 <2", ["1.4.0-rc.2", "1.4.0", "1.5.0"], ["1.4.0-alpha", "1.5.0-rc.1"]),
        ("^1.2.3-beta.2", ["1.2.3-beta.4", "1.9.0"], ["1.2.4-beta.2", "2.0.0-beta.9"]),
        ("<2.0.0-rc.2", ["2.0.0-rc.1", "1.0.0"], ["2.0.0-rc.2", "2.0.0", "1.0.0-rc.1"]),
    ],
)
def test_examples(range_: str, yes: list[str], no: list[str]) -> None:
    assert [tag for tag in yes if not within(range_, tag)] == []
    assert [tag for tag in no if within(range_, tag)] == []


NO_VERSIONS = ["v1", "1.2", "latest", "v01.2.3", "1.2.3.4", "V1.2.3", "vv1.2.3", "1.2.3-"]
NO_VERSIONS += ["1.2.3-01", "٣.0.0", "1.0.0-é"]


@pytest.mark.parametrize(
    "tag", [*NO_VERSIONS, "", "1.2.3\n", f"{'9' * 17}.0.0", f"1.0.0-{'a' * MAX_VERSION}"]
)
def test_what_is_no_version(tag: str) -> None:
    assert version_of(tag) is None


def test_the_order_is_that_of_the_specification() -> None:
    """The example of https://semver.org/#spec-item-11, and numbers that texts would order otherwise."""
    pre = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]
    ordered = [read(f"1.0.0-{each}") for each in pre]
    ordered += [read(each) for each in ("1.0.0", "1.0.10", "1.2.0", "10.0.0")]

    assert all(one < next_ for one, next_ in pairwise(ordered))


@pytest.mark.parametrize(
    ("range_", "said"),
    [
        ("", "a range is empty"),
        ("1 ||", "a range is empty"),
        (">=1.2, <2", "'>=1.2, <2'"),
        ("1.2.3 - 2.3.4", "'- 2.3.4'"),
        ("1.x.3", "'1.x.3'"),
        ("1.2-rc.1", "'1.2-rc.1'"),
        ("latest", "'latest'"),
        ("=>1", "'=>1'"),
        (">", "'>'"),
        ("1.2.3.4", "'1.2.3.4'"),
        ("x" * 500, "x…'"),
        (">=2 <1", "no version satisfies"),
        (">1.2.3 <=1.2.3", "no version satisfies"),
        ("<0", "no version satisfies"),
        ("<*", "no version satisfies"),
    ],
)
def test_what_is_no_range_is_reported_with_a_remedy(range_: str, said: str) -> None:
    with pytest.raises(UnusableRange) as told:
        Range(range_)

    message = str(told.value)
    assert said in message
    assert any(remedy in message for remedy in ("write it like", "write `*`", "change one"))
    assert len(message) < 200


NUMBERS = st.integers(0, 3)
PRE = st.sampled_from(["", "-0", "-1", "-rc", "-rc.1", "-rc.2", "-rc.1.x"])
VERSIONS = st.builds("{}.{}.{}{}".format, NUMBERS, NUMBERS, NUMBERS, PRE)
OPERATORS: dict[str, Callable[[Version, Version], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "=": operator.eq,
    "": operator.eq,
}


def read(text: str) -> Version:
    version = version_of(text)
    assert version is not None
    return version


@given(
    VERSIONS,
    st.lists(st.tuples(st.sampled_from(list(OPERATORS)), VERSIONS), min_size=1, max_size=3),
)
def test_full_comparators_mean_what_the_definition_says(
    tag: str, comparators: list[tuple[str, str]]
) -> None:
    version = read(tag)
    between = all(OPERATORS[kind](version, read(each)) for kind, each in comparators)
    named = any("-" in each and read(each).release == version.release for _, each in comparators)
    try:
        range_ = Range(" ".join(map("".join, comparators)))
    except UnusableRange:
        assert not between
    else:
        assert (version in range_) == (between and (version.final or named))
        assert range_.spans(version) == between


@examples(150)
@given(
    st.text("0123x*.-+<>=^~| vrc\n٣", max_size=30), VERSIONS | st.text("0123.-+vrc", max_size=15)
)
@example("1.0.0-\ud800", "1.0.0")
def test_whatever_is_written_nothing_else_is_raised(text: str, tag: str) -> None:
    version = version_of(tag)
    try:
        range_ = Range(text)
    except UnusableRange:
        return
    assert version is None or isinstance(version in range_, bool)


LONG: dict[str, Callable[[int], str]] = {
    "comparators": lambda n: ">=1 " * n,
    "alternatives": lambda n: "1||" * n,
    "nonsense at the end": lambda n: "1 " * n + "!",
    "identifiers": lambda n: "1.0.0-" + "a." * n,
    "identifiers and nonsense": lambda n: "1.0.0-" + "0a" * n + "!",
    "a long number": lambda n: "1.0.0-" + "9" * n + "!",
    "build": lambda n: "1.0.0+" + "a." * n + "!",
    "spaces": lambda n: ">" + " " * n + "!",
    "digits": lambda n: "9" * n,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_the_work_grows_with_the_text_and_no_faster(text: Callable[[int], str]) -> None:
    def read_both(size: int) -> None:
        version_of(text(size))
        with suppress(UnusableRange):
            assert isinstance(read("1.0.0") in Range(text(size)), bool)

    assert grows_linearly(read_both, 500)
