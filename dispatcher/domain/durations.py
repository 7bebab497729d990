"""Durations as the configuration has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

UNITS: Mapping[str, int] = MappingProxyType({"d": 86400, "h": 3600, "m": 60, "s": 1})
"""Unit -> seconds, the longest first."""


def show_duration(seconds: int) -> str:
    """`90s`, `15m`, `1h30m`, `7d`."""
    parts = []
    for unit, size in UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
