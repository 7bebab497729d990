"""Times, names and texts as people read them. Pure."""

from __future__ import annotations

import re
from datetime import datetime

SHORT = 8
"""Characters of a commit."""


def age(moment: str | None, now: datetime) -> str:
    """`12s`, `5m`, `3h`, `2d` since an RFC 3339 moment; "" for none."""
    if not moment:
        return ""
    return span((now - datetime.fromisoformat(moment)).total_seconds())


def until(moment: str | None, now: datetime) -> str:
    """`in 5m`, or `now` where that is over; "" for none."""
    if not moment:
        return ""
    left = (datetime.fromisoformat(moment) - now).total_seconds()
    return f"in {span(left)}" if left >= 1 else "now"


def span(seconds: float | None) -> str:
    """A duration in its two largest units, the second only if it is not zero."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return _two(whole, 60, "m", 1, "s") if whole < 600 else f"{whole // 60}m"
    if whole < 2 * 86400:
        return _two(whole, 3600, "h", 60, "m") if whole < 36000 else f"{whole // 3600}h"
    return f"{whole // 86400}d"


def _two(whole: int, size: int, unit: str, small: int, small_unit: str) -> str:
    count, rest = whole // size, whole % size // small
    return f"{count}{unit}{rest}{small_unit}" if rest else f"{count}{unit}"


def short(commit: str) -> str:
    return commit[:SHORT]


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def plain(text: str) -> str:
    """Untrusted text, such as a commit's message, made safe for a terminal and put on one line."""
    return "".join(char if char.isprintable() else " " for char in text)


_COLOUR = re.compile("\x1b\\[[0-9;]{0,40}m")
"""Select Graphic Rendition: the one control sequence that only changes how text looks."""


def log_line(text: str, *, colour: bool) -> str:
    """A line of a log made safe for a terminal: with `colour` it keeps its colours, and they end with it."""
    pieces, position = [], 0
    for found in _COLOUR.finditer(text):
        pieces += [lines(text[position : found.start()]), found[0] if colour else ""]
        position = found.end()
    shown = "".join([*pieces, lines(text[position:])])
    return f"{shown}\x1b[0m" if colour and position else shown


def lines(text: str) -> str:
    """The same for a log, but with its line breaks and tabs."""
    return "".join(char if char.isprintable() or char in "\n\t" else "·" for char in text)
