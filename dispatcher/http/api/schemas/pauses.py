"""JSON bodies about pauses."""

from __future__ import annotations

import msgspec


class PauseInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a target and why."""

    by: str
    reason: str = ""
    since: str | None = None
    everything: bool = False
    """All targets are held, and not this one by its name."""


class PauseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand after a pause or a resume."""

    target: str | None
    """None for everything."""
    paused: PauseInfo | None
