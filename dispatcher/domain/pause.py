"""Who holds a target, or everything. Values only."""

from __future__ import annotations

import msgspec


class Paused(msgspec.Struct, frozen=True):
    """Who holds a target, or everything, and why."""

    by: str
    reason: str
    at: int

    def __str__(self) -> str:
        return f"paused by {self.by}" + (f": {self.reason}" if self.reason else "")
