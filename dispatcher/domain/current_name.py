"""The name that a target has by now, where it was renamed. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CurrentName:
    """The name that a target has, and since when (ms)."""

    name: str
    since: int
