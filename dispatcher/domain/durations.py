"""Durations as the configuration has them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

UNITS: Mapping[str, int] = MappingProxyType({"d": 86400, "h": 3600, "m": 60, "s": 1})
"""Unit -> seconds, the longest first."""


def read_duration(text: str) -> int:
    """Seconds of a text like those that `show_duration` makes."""
    return sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([dhms])", text))


def show_duration(seconds: int) -> str:
    """`90s`, `15m`, `1h30m`, `7d`."""
    parts = []
    for unit, size in UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
