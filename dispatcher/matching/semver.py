"""Semantic versions and version ranges.

The syntax of ranges is npm's without hyphens: https://github.com/npm/node-semver#ranges. The order of
versions is https://semver.org/#spec-item-11. Has its own parser because no library is small, typed and
safe with any text. Pure; takes time linear in the text.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dispatcher.domain.errors import UsageError

MAX_VERSION = 256

_NUMBER = "(?:0|[1-9][0-9]{0,15})"
_IDENTIFIER = "(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_PRE = rf"(?:-(?P<pre>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
_BUILD = r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
_VERSION = re.compile(rf"v?(?P<numbers>{_NUMBER}\.{_NUMBER}\.{_NUMBER}){_PRE}{_BUILD}")
_PART = rf"(?:{_NUMBER}|[xX*])"
_COMPARATOR = re.compile(
    rf"(?P<operator>[<>]=?|[=^~])? *+v?(?P<numbers>{_PART}(?:\.{_PART}){{0,2}}){_PRE}{_BUILD}"
    r"(?: ++|\Z)"
)

Release = tuple[int, int, int]


class UnusableRange(UsageError):
    """The text is not a version range; the message says how to write one."""


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """Ordered by the specification. Drops build metadata (after `+`), which does not affect the order."""

    release: Release
    final: bool = True
    """Whether it is a release; pre-releases sort before it."""
    pre: tuple[tuple[int, int, str], ...] = ()
    """Numbers before texts."""


def version_of(text: str) -> Version | None:
    """The version in `1.2.3-rc.1` or `v1.2.3`; None unless it has all three numbers."""
    match = _VERSION.fullmatch(text) if len(text) <= MAX_VERSION else None
    return _version(list(map(int, match["numbers"].split("."))), match["pre"]) if match else None


class Range:
    """`>=1.2 <2 || ^3.1`: comparators joined by spaces must all hold, in one of the `||` alternatives.

    Raises UnusableRange, also for a range that no version can satisfy.
    """

    __slots__ = ("_alternatives",)

    def __init__(self, text: str) -> None:
        self._alternatives = [_alternative(part.strip(" ")) for part in text.split("||")]

    def __contains__(self, version: Version) -> bool:
        """A pre-release is in the range only if the range names a pre-release of the same version."""
        return any(each.spans(version) and each.admits(version) for each in self._alternatives)

    def spans(self, version: Version) -> bool:
        """Whether it lies between the bounds, even if it is a pre-release."""
        return any(each.spans(version) for each in self._alternatives)


@dataclass(frozen=True, slots=True)
class _Bound:
    holds: Callable[[Version, Version], bool]
    version: Version


@dataclass(slots=True)
class _Alternative:
    bounds: list[_Bound] = field(default_factory=list)
    named: set[Release] = field(default_factory=set)
    """Of which pre-releases are written."""

    def spans(self, version: Version) -> bool:
        return all(bound.holds(version, bound.version) for bound in self.bounds)

    def admits(self, version: Version) -> bool:
        return version.final or version.release in self.named

    @property
    def empty(self) -> bool:
        lowest = max((b.version for b in self.bounds if b.holds in _LOWER), default=_ZERO)
        highest = min((b.version for b in self.bounds if b.holds not in _LOWER), default=None)
        if highest is None:
            return False
        return highest < lowest or (highest == lowest and not self.spans(lowest))


_LOWER = (operator.ge, operator.gt)
_FULL: dict[str, Callable[[Version, Version], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


def _alternative(text: str) -> _Alternative:
    found, place = _Alternative(), 0
    while match := _COMPARATOR.match(text, place):
        place = match.end()
        numbers = _numbers(match)
        version = _version(numbers, match["pre"])
        found.bounds += _bounds(match["operator"] or "=", numbers, version)
        if match["pre"]:
            found.named.add(version.release)
    if place < len(text) or not text:
        raise UnusableRange(_remedy(text[place:]))
    if found.empty:
        raise UnusableRange(f"no version satisfies {_shown(text)}: change one of its bounds")
    return found


def _remedy(rest: str) -> str:
    if not rest:
        return "a range is empty: write `*` for every version"
    return (
        f"{_shown(rest)} is not a version range: write it like `>=1.2 <2`, `^1.4` or `1.x || 2.x`"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _numbers(match: re.Match[str]) -> list[int]:
    """Those that are given: `1.2`, `1.2.x` and `1.2.*` are the same."""
    parts = match["numbers"].split(".")
    given = [int(part) for part in parts if part.isdigit()]
    trailing = all(part.isdigit() for part in parts[: len(given)])
    if not trailing or (match["pre"] and len(given) < 3):
        raise UnusableRange(_remedy(match[0].strip(" ")))
    return given


def _bounds(kind: str, numbers: list[int], low: Version) -> Iterator[_Bound]:
    if not numbers:
        if kind in "<>":
            raise UnusableRange(f"no version satisfies '{kind}*': write `*` for every version")
    elif len(numbers) == 3 and kind in _FULL:
        yield _Bound(_FULL[kind], low)
    elif kind == ">":
        yield _Bound(operator.ge, _version(_raised(numbers)))
    elif kind == "<":
        yield _Bound(operator.lt, _first_of(numbers))
    else:
        if kind != "<=":
            yield _Bound(operator.ge, low)
        if kind != ">=":
            yield _upper(kind, numbers, low)


def _upper(kind: str, numbers: list[int], low: Version) -> _Bound:
    if kind == "=" and len(numbers) == 3:
        return _Bound(operator.le, low)
    kept = len(numbers)
    if kind == "~":
        kept = min(kept, 2)
    elif kind == "^":
        kept = next((n for n, number in enumerate(numbers, 1) if number), kept)
    return _Bound(operator.lt, _first_of(_raised(numbers[:kept])))


def _raised(numbers: list[int]) -> list[int]:
    return [*numbers[:-1], numbers[-1] + 1]


def _first_of(numbers: list[int]) -> Version:
    """The lowest version with these numbers, before its pre-releases, so that `<2` excludes `2.0.0-rc.1`."""
    return _version(numbers, "0")


def _version(numbers: list[int], pre: str | None = None) -> Version:
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    parts = pre.split(".") if pre else []
    order = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
    return Version((major, minor, patch), not order, order)


_ZERO = _first_of([0])
