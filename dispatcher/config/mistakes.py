"""A mistake in the configuration, and how its message quotes values.

A mistake is one line: file and line, field, what is wrong, what to write instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dispatcher.domain.quoting import SHOWN, quoted

Location = tuple[str | int, ...]
"""The path of a field in a document: `("targets", "shop", "branches", 0)`."""


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake. `file` is "" and `line` 0 for an environment variable, which has neither."""

    file: str
    line: int
    field: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        line = ": ".join(part for part in (place, self.field, self.text) if part)
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


class MistakesFound(Exception):
    """Carries mistakes inside the package; `settings` turns it into the public ConfigError."""

    def __init__(self, *mistakes: Mistake) -> None:
        self.mistakes = mistakes
        super().__init__(*map(str, mistakes))


class Conflict(ValueError):
    """Settings that are each valid but contradict each other; `fields` names them."""

    def __init__(self, text: str, *fields: str) -> None:
        super().__init__(text)
        self.fields = fields


def field_path(location: Location) -> str:
    """`targets.shop.branches[0]`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{_plain(part)}"
    return path.removeprefix(".")


def show(value: Any) -> str:
    """A value on one line, shortened: `"15"`, `true`, a list, a mapping, nothing."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return quoted(value)


def _plain(part: str) -> str:
    """A key, quoted if it would make the path ambiguous or break the line."""
    plain = part.isprintable() and not set(part) & set(" .[]:\"'")
    return part if plain and 0 < len(part) <= SHOWN else show(part)
