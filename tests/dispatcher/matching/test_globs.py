"""Globs match what the plain definition says, in bounded time; in a list, order counts."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dispatcher.matching.globs import Rules, mistakes, translate
from tests.examples import examples
from tests.growth import grows_linearly


def matches(pattern: str, text: str) -> bool:
    return Rules([pattern]).wants(text)


def by_definition(pattern: str, text: str) -> bool:
    """The definition, as slow as it may be: every way of spending a star is tried."""

    @cache
    def rest(p: int, t: int) -> bool:
        if p == len(pattern):
            return t == len(text)
        starts_component = p == 0 or pattern[p - 1] == "/"
        if starts_component and pattern.startswith("**/", p):
            ends = [t, *(i + 1 for i in range(t, len(text)) if text[i] == "/")]
            return any(rest(p + 3, end) for end in ends)
        if pattern.startswith("**", p):
            run = len(pattern) - len(pattern[p:].lstrip("*"))
            return any(rest(run, end) for end in range(t, len(text) + 1))
        if pattern[p] == "*":
            end = t
            while end < len(text) and text[end] != "/":
                end += 1
            return any(rest(p + 1, i) for i in range(t, end + 1))
        same = t < len(text) and (text[t] != "/" if pattern[p] == "?" else text[t] == pattern[p])
        return same and rest(p + 1, t + 1)

    return rest(0, 0)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("main", ["main"], ["Main", "main2", "x/main", ""]),
        ("release/*", ["release/1", "release/"], ["release/1/x", "release"]),
        ("release/**", ["release/1", "release/1/x"], ["release", "releases/1"]),
        ("v?.*", ["v1.0", "v2."], ["v10.0", "v/.1"]),
        ("**", ["a", "a/b/c", ""], []),
        ("*", ["a", ""], ["a/b"]),
        ("**.js", ["a.js", "src/a.js", ".js"], ["a.ts", "a.js/b"]),
        ("**/README.md", ["README.md", "a/README.md", "a/b/README.md"], ["aREADME.md"]),
        ("docs/**/*.md", ["docs/a.md", "docs/x/y/a.md"], ["docs.md", "docs/a.txt"]),
        ("**/docs/**", ["docs/a", "x/docs/a/b"], ["docs", "mydocs/a"]),
        ("a**b", ["ab", "axb", "a/x/b"], ["a", "xab"]),
        ("a.c", ["a.c"], ["abc"]),
        ("[id].tsx", ["[id].tsx"], ["i.tsx"]),
        ("naïve/*", ["naïve/é"], ["naive/e"]),
    ],
)
def test_examples(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not matches(pattern, text)] == []
    assert [text for text in no if matches(pattern, text)] == []


@examples(200)
@given(st.text("ab/*?", min_size=1, max_size=10), st.text("ab/", max_size=10))
@example("**a*b/*c", "a/ab/c")
@example("a***/b", "a/b")
@example("*a/**b*a", "ba/aba")
@example("**/**/a", "a")
def test_every_pattern_means_what_the_definition_says(pattern: str, text: str) -> None:
    assert bool(re.fullmatch(translate(pattern), text)) == by_definition(pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 40 + "b",
        "**a" * 40 + "b",
        "**/a*" * 30 + "b",
        "**a*b",
        "**a*a*a**a*a*a**b*c",
        "?*" * 40 + "b",
        "**/" * 40 + "b",
        "a**" * 40 + "/",
        "**/*/**/*/**/*/**/*/b",
    ],
)
@pytest.mark.parametrize("part", ["a", "a/", "aab/", "/"])
def test_the_work_grows_with_the_text_and_no_faster(pattern: str, part: str) -> None:
    regex = re.compile(translate(pattern))

    assert grows_linearly(lambda size: regex.fullmatch(part * size), 250)


def test_the_last_match_decides() -> None:
    rules = Rules(["services/**", "!**/*.md", "services/api/README.md"])

    assert rules.wants("services/api/main.py")
    assert not rules.wants("services/web/README.md")
    assert rules.wants("services/api/README.md")
    assert not rules.wants("docs/index.rst")


def test_a_list_of_exceptions_wants_all_else() -> None:
    rules = Rules(["!docs/**"])

    assert rules.wants("main.py")
    assert not rules.wants("docs/index.rst")


def test_an_empty_list_wants_all_unless_told_otherwise() -> None:
    assert Rules([]).wants("anything")
    assert not Rules([], default=False).wants("anything")


def test_a_long_list_is_shown_short() -> None:
    assert str(Rules([str(n) for n in range(9)])) == "0, 1, 2, 3, 4, 5 and 3 more"


@pytest.mark.parametrize(
    ("pattern", "refs", "remedy"),
    [
        ("", False, "1 to"),
        ("!", False, "1 to"),
        ("/docs/**", False, "remove it"),
        ("!./docs/**", False, "remove it"),
        ("docs/", False, "write `**`"),
        ("v[0-9]", True, "use *, ** and ? only"),
        ("refs/heads/main", True, "short name"),
    ],
)
def test_patterns_that_never_match_are_reported(pattern: str, refs: bool, remedy: str) -> None:
    (mistake,) = mistakes([pattern], refs=refs)

    assert remedy in mistake


def test_good_patterns_are_no_mistakes() -> None:
    assert list(mistakes(["main", "release/**", "!x?"], refs=True)) == []
    assert list(mistakes(["app/[id].tsx", "**"])) == []
