"""Patterns for tags: globs, and version ranges after `semver:`, which no tag name can contain.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from dispatcher.matching.globs import MAX_PATTERN, Rules, Test, glob, mistakes
from dispatcher.matching.semver import Range, UnusableRange, version_of

SEMVER = "semver:"

_LIKE_A_RANGE = re.compile(r"!?[<>=^~]=? *v?[0-9]")


def tag_rules(patterns: Iterable[str]) -> Rules:
    """Raises UnusableRange."""
    return Rules(patterns, compiled=_compiled)


def tag_mistakes(patterns: Iterable[str]) -> Iterator[str]:
    """Mistakes in tag patterns, each with its remedy, for the configuration."""
    for pattern in patterns:
        if not _is_range(pattern) and not _LIKE_A_RANGE.match(pattern):
            yield from mistakes([pattern], refs=True)
        elif why := _mistake(pattern):
            yield f"{pattern!r}: {why}"


def version_hint(patterns: Iterable[str], tag: str) -> str:
    """Why no version range among the patterns has the tag, if that may surprise; else ""."""
    ranges = [_range(pattern) for pattern in patterns if pattern.startswith(SEMVER)]
    version = version_of(tag)
    if ranges and version is None:
        return "it is not a version like 1.2.3"
    if version and any(each.spans(version) for each in ranges):
        return "a range includes a pre-release only if it names a pre-release of the same version"
    return ""


def _is_range(pattern: str) -> bool:
    return pattern.removeprefix("!").startswith(SEMVER)


def _mistake(pattern: str) -> str:
    if not _is_range(pattern):
        return f"a version range begins with {SEMVER}, like '{SEMVER}>=1.2 <2'"
    if len(pattern) > MAX_PATTERN:
        return f"a pattern has 1 to {MAX_PATTERN} characters"
    try:
        _range(pattern)
    except UnusableRange as error:
        return str(error)
    return ""


def _compiled(pattern: str) -> Test | None:
    return _in_range(pattern) if _is_range(pattern) else glob(pattern)


def _in_range(pattern: str) -> Test:
    wanted = _range(pattern)

    def test(tag: str) -> bool:
        version = version_of(tag)
        return version is not None and version in wanted

    return test


@lru_cache(maxsize=4096)
def _range(pattern: str) -> Range:
    return Range(pattern.removeprefix("!").removeprefix(SEMVER))
