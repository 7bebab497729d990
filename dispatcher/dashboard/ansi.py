"""Logs with ANSI colours as runs of text with classes; nothing else of a terminal's language counts. Pure.

https://ecma-international.org/publications-and-standards/standards/ecma-48/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MOST = 2_000_000
"""Characters of a log that are read: of a longer one the end."""

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)(?P<parameters>[0-9;:]{0,100})(?P<final>m)"  # SGR: colours
    r"|(?:\x1b\[|\x9b)[\x20-\x3f]{0,100}[\x40-\x7e]?"  # other control sequences
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)?"  # strings
    r"|\x1b[\x20-\x2f]{0,10}[\x30-\x7e]?"
)
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but tab and line feed, and those that reorder text."""
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n])")
_WEIGHTS = {1: "bold", 2: "dim", 3: "italic", 4: "underline"}
_ENDS = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",)}


class Run(NamedTuple):
    """Text in one style."""

    text: str
    classes: str
    """Names of classes of the style sheet, with spaces between them."""


def runs(log: str) -> list[Run]:
    """The log's text. A line that overwrites itself, like a progress bar, shows its last state."""
    text = log[-MOST:].replace("\r\n", "\n")
    return list(_joined(_styled(_OVERWRITTEN.sub("", text))))


def _styled(text: str) -> Iterator[Run]:
    style, at = _Style(), 0
    for found in _SEQUENCE.finditer(text):
        yield Run(_UNSHOWN.sub("", text[at : found.start()]), style.classes)
        at = found.end()
        if found["final"]:
            style.apply(found["parameters"])
    yield Run(_UNSHOWN.sub("", text[at:]), style.classes)


def _joined(found: Iterator[Run]) -> Iterator[Run]:
    """Without empty runs, and neighbours of one style as one."""
    last = Run("", "")
    for run in found:
        if run.classes == last.classes or not run.text:
            last = Run(last.text + run.text, last.classes)
            continue
        if last.text:
            yield last
        last = run
    if last.text:
        yield last


class _Style:
    def __init__(self) -> None:
        self._colour, self._weights = "", set[str]()

    @property
    def classes(self) -> str:
        return " ".join([*sorted(self._weights), *([self._colour] if self._colour else [])])

    def apply(self, parameters: str) -> None:
        numbers = [int(each[:4] or 0) for each in parameters.replace(":", ";").split(";")]
        while numbers:
            code = numbers.pop(0)
            if code in (38, 48):
                colour = _extended(numbers)
                self._colour = colour if code == 38 else self._colour
            else:
                self._set(code)

    def _set(self, code: int) -> None:
        if code == 0:
            self._colour, self._weights = "", set()
        elif code in _WEIGHTS:
            self._weights.add(_WEIGHTS[code])
        elif code in _ENDS:
            self._weights.difference_update(_ENDS[code])
        elif 30 <= code <= 37 or 90 <= code <= 97:
            self._colour = f"c{code % 10}"
        elif code == 39:
            self._colour = ""


def _extended(numbers: list[int]) -> str:
    """Takes the parameters of `38;5;n` and `38;2;r;g;b`; only the sixteen named colours are shown."""
    kind = numbers.pop(0) if numbers else 0
    values = [numbers.pop(0) for _ in range({5: 1, 2: 3}.get(kind, 0)) if numbers]
    return f"c{values[0] % 8}" if kind == 5 and values and values[0] < 16 else ""
