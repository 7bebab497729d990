"""A target as it stands in the work queue. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """How a target stands in the work queue."""

    target: str
    open: bool
    """It has a deploy that is not over."""
    leased_until: int
    """0 when no worker holds it."""
    woken: bool
    """A wake-up is on its way."""
    due: int | None
    """When it is looked at whatever happens; None for never."""
