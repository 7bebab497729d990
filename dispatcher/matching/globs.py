"""Globs for branches, tags, paths and repositories, matched in time linear in the text.

`*` stops at a slash, `**` does not, `?` is one character that is no slash, `**/` at the start of a
component is any number of whole directories, also none. Everything else is itself.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

MAX_PATTERN = 1024

# How a regular expression stays linear. Between two `**`, the text has as many slashes as the
# pattern, so whole components are tried one by one and none twice; within a component, the leftmost
# place of each piece leaves most room for the next, so that no other needs trying: hence the atomic
# groups.
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
    """The pattern split at "any whole directories", each block at its stars; `**` is both."""
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
"""Tells by something true whether a name is what a pattern means."""


@dataclass(frozen=True, slots=True)
class _Rule:
    place: int
    pattern: str
    matches: Test


class Rules:
    """A list of patterns in which order counts, as in GitHub Actions: the last that matches decides.

    A pattern after `!` takes away, and a later one can give back. A name that none matches is wanted
    only where the list has nothing but exceptions; `default` says so outright. `compiled` makes the
    test of a pattern, None for one that stands for itself: those cost one look-up, however many.
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
        """The pattern that decides about `name`, or None where none matches it."""
        literal = self._literal.get(name, -1)
        for rule in self._newest_first:
            if rule.place < literal:
                break
            if rule.matches(name):
                return rule.pattern
        return self.patterns[literal] if literal >= 0 else None

    def judge(self, name: str) -> tuple[bool, str]:
        """Whether it is wanted, and the name with the rule that decides: `x is none of main, release/*`."""
        pattern = self.deciding(name)
        if pattern is None:
            return self._default, name if self._default else f"{name} is none of {self}"
        if pattern.startswith("!"):
            return False, f"{name} is left out by {pattern}"
        return True, name if pattern == name else f"{name} is one of {pattern}"

    def only(self, prefix: str) -> Rules:
        """Those rules that name what begins with `prefix` outright; they want nothing else."""
        named = (p for p in self.patterns if p.removeprefix("!").startswith(prefix))
        return Rules(named, default=False)


@lru_cache(maxsize=4096)
def glob(pattern: str) -> Test | None:
    """The test of a glob; None where it has no wildcard."""
    return re.compile(translate(pattern)).fullmatch if set("*?") & set(pattern) else None


def mistakes(patterns: Iterable[str], *, refs: bool = False) -> Iterator[str]:
    """What is wrong with globs that would never match, each with its remedy: for the configuration.

    `refs` is for branches and tags, which can't hold some characters that other tools' globs use.
    """
    for pattern in patterns:
        why = _mistake(pattern.removeprefix("!"), refs)
        if why:
            yield f"{pattern!r}: {why}"


def _mistake(glob: str, refs: bool) -> str:
    if not glob or len(glob) > MAX_PATTERN:
        return f"a pattern has 1 to {MAX_PATTERN} characters"
    if glob.startswith(("/", "./")):
        return "names begin without a slash or dot: leave it out"
    if glob.endswith("/"):
        return "nothing ends with a slash: write `**` behind it for all that is in there"
    if refs and (found := re.search(r"[\[\]~^:\\\s]|\.\.|refs/(?:heads|tags)/", glob)):
        return f"{found[0]!r} is in no branch's or tag's short name: use *, ** and ? only"
    return ""
