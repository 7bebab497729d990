"""Globs for branches, tags, paths and repositories. Matching takes time linear in the text.

`*` matches anything but a slash, `**` anything, `?` one character but a slash, and `**/` at the start of a
component any number of whole directories, or none. Every other character matches itself.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

MAX_PATTERN = 1024

# Why the regular expression is linear. Between two `**` the text has as many slashes as the pattern, so
# the matcher tries each component once. Within a component the leftmost match of a piece leaves the most
# room for the next, so no other position needs trying: hence the atomic groups.
_DIRECTORIES = r"(?:[^/]*+/)*?"
_TOKEN = re.compile(
    r"(?P<dirs>(?:(?<![^/])\*\*/)+)|(?P<any>\*{2,})|(?P<star>\*)|(?P<literal>[^*]+)"
)


def translate(pattern: str) -> str:
    """The regular expression, for `fullmatch`, that matches what the glob `pattern` matches."""
    first, *rest = _blocks(pattern)
    if not rest:
        return _last_block(first)
    *middle, last = rest
    blocks = "".join(f"(?>{_DIRECTORIES}{_block(block)})" for block in middle)
    slashes = sum(chunk.count("/") for chunk in last)
    aligned = rf"(?>{_DIRECTORIES}(?=[^/]*+(?:/[^/]*+){{{slashes}}}\Z))"
    return _block(first) + blocks + aligned + _last_block(last)


def _blocks(pattern: str) -> list[list[str]]:
    """The pattern split at `**/`, and each block split at its stars."""
    blocks: list[list[str]] = [[""]]
    for token in _TOKEN.finditer(pattern):
        if token["literal"]:
            blocks[-1][-1] += token["literal"]
        elif token["star"]:
            blocks[-1].append("")
        else:
            blocks.append(["", ""] if token["any"] else [""])
    return blocks


def _block(chunks: Sequence[str]) -> str:
    first, *rest = map(_chunk, chunks)
    return first + "".join(f"(?>[^/]*?{chunk})" for chunk in rest)


def _last_block(chunks: Sequence[str]) -> str:
    if len(chunks) == 1:
        return _block(chunks)
    return rf"{_block(chunks[:-1])}[^/]*{_chunk(chunks[-1])}"


def _chunk(text: str) -> str:
    return "[^/]".join(re.escape(part) for part in text.split("?"))


Test = Callable[[str], object]
"""Returns something truthy if a name matches a pattern."""


@dataclass(frozen=True, slots=True)
class _Rule:
    place: int
    pattern: str
    matches: Test


class Rules:
    """An ordered list of patterns, as in GitHub Actions: the last one that matches decides.

    `!` before a pattern excludes, and a later pattern can include again. A name that matches no pattern is
    wanted only if the list has exceptions only; `default` overrides that. `compiled` makes a pattern's
    test, or None for a literal: literals cost one look-up, however many there are.
    """

    __slots__ = ("_default", "_literal", "_newest_first", "patterns")

    def __init__(
        self,
        patterns: Iterable[str],
        *,
        default: bool | None = None,
        compiled: Callable[[str], Test | None] | None = None,
    ) -> None:
        self.patterns = tuple(patterns)
        self._literal: dict[str, int] = {}
        rules = list(self._rules(compiled or glob))
        self._newest_first = tuple(reversed(rules))
        positive = not all(pattern.startswith("!") for pattern in self.patterns)
        self._default = default if default is not None else not positive

    def _rules(self, compiled: Callable[[str], Test | None]) -> Iterator[_Rule]:
        for place, pattern in enumerate(self.patterns):
            text = pattern.removeprefix("!")
            test = compiled(text)
            if test is None:
                self._literal[text] = place
            else:
                yield _Rule(place, pattern, test)

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def __str__(self) -> str:
        shown, more = self.patterns[:6], len(self.patterns) - 6
        return ", ".join(shown) + (f" and {more} more" if more > 0 else "")

    def wants(self, name: str) -> bool:
        pattern = self.deciding(name)
        return self._default if pattern is None else not pattern.startswith("!")

    def deciding(self, name: str) -> str | None:
        """The pattern that decides about `name`, or None if no pattern matches."""
        literal = self._literal.get(name, -1)
        for rule in self._newest_first:
            if rule.place < literal:
                break
            if rule.matches(name):
                return rule.pattern
        return self.patterns[literal] if literal >= 0 else None

    def judge(self, name: str) -> tuple[bool, str]:
        """Whether it is wanted, and why: `x matches none of main, release/*`."""
        pattern = self.deciding(name)
        if pattern is None:
            return self._default, name if self._default else f"{name} matches none of {self}"
        if pattern.startswith("!"):
            return False, f"{name} is excluded by {pattern}"
        return True, name if pattern == name else f"{name} matches {pattern}"

    def with_prefix(self, prefix: str) -> Rules:
        """The rules whose patterns begin with `prefix`; a name that none of them matches is not wanted."""
        named = (p for p in self.patterns if p.removeprefix("!").startswith(prefix))
        return Rules(named, default=False)


@lru_cache(maxsize=4096)
def glob(pattern: str) -> Test | None:
    """The test of a glob; None if it has no wildcard."""
    return re.compile(translate(pattern)).fullmatch if set("*?") & set(pattern) else None


def mistakes(patterns: Iterable[str], *, refs: bool = False) -> Iterator[str]:
    """Mistakes in globs that could never match, each with its remedy, for the configuration.

    `refs` is for branches and tags, which cannot contain some characters that other tools' globs use.
    """
    for pattern in patterns:
        why = _mistake(pattern.removeprefix("!"), refs)
        if why:
            yield f"{pattern!r}: {why}"


def _mistake(glob: str, refs: bool) -> str:
    if not glob or len(glob) > MAX_PATTERN:
        return f"a pattern has 1 to {MAX_PATTERN} characters"
    if glob.startswith(("/", "./")):
        return "a name never begins with a slash or dot: remove it"
    if glob.endswith("/"):
        return "nothing ends with a slash: write `**` behind it for all that is in there"
    if refs and (found := re.search(r"[\[\]~^:\\\s]|\.\.|refs/(?:heads|tags)/", glob)):
        return f"{found[0]!r} is in no branch's or tag's short name: use *, ** and ? only"
    return ""
