"""Patterns of tags: globs and ranges of versions in one list."""

from __future__ import annotations

import pytest

from dispatcher.matching.tags import tag_mistakes, tag_rules, version_hint


def test_globs_and_ranges_stand_in_one_list() -> None:
    rules = tag_rules(["v*", "!semver:<1", "semver:0.9.9", "nightly"])

    assert rules.wants("v2.0.0")
    assert rules.wants("v-next")
    assert not rules.wants("v0.9.0")
    assert rules.wants("v0.9.9")
    assert rules.wants("nightly")
    assert rules.deciding("v0.9.9") == "semver:0.9.9"


def test_exceptions_alone_leave_all_other_tags() -> None:
    rules = tag_rules(["!semver:<1"])

    assert rules.wants("v1.0.0")
    assert rules.wants("latest")
    assert not rules.wants("v0.1.0")


@pytest.mark.parametrize(
    ("patterns", "tag", "hint"),
    [
        (["semver:>=1"], "v1", "it is not a version like 1.2.3"),
        (["semver:>=1"], "v1.2.0-rc.1", "a range includes a pre-release only if"),
        (["semver:>=1"], "v0.1.0", ""),
        (["semver:>=1"], "v0.1.0-rc.1", ""),
        (["v*"], "1", ""),
        (["v*", "!semver:>=1"], "latest", ""),
    ],
)
def test_what_may_surprise_is_explained(patterns: list[str], tag: str, hint: str) -> None:
    said = version_hint(patterns, tag)

    assert said.startswith(hint)
    assert bool(said) == bool(hint)


@pytest.mark.parametrize(
    ("pattern", "remedy"),
    [
        ("semver:", "write `*`"),
        ("!semver:latest", "write it like"),
        ("semver:>2 <1", "change one of its bounds"),
        (">=1.2 <2", "begins with semver:"),
        ("^1", "begins with semver:"),
        (f"semver:{' ' * 2000}1", "1 to 1024 characters"),
        ("v[0-9]", "use *, ** and ? only"),
        ("", "1 to"),
    ],
)
def test_patterns_that_never_match_are_reported(pattern: str, remedy: str) -> None:
    (mistake,) = tag_mistakes([pattern])

    assert remedy in mistake


def test_good_patterns_are_no_mistakes() -> None:
    assert list(tag_mistakes(["v*", "!v*-rc*", "semver:^1 || 3.x", "!semver:1.5.3"])) == []
