"""A target's row, as far as its wake-ups depend on it. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """Whether something of a target is open, who holds it, when it is due."""

    target: str
    open: bool
    """It has a deploy that is not over."""
    leased_until: int
    """0 when no worker holds it."""
    woken: bool
    """A wake-up is on its way."""
    due: int | None
    """When it is looked at whatever happens; None for never."""
