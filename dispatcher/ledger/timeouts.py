"""After how long somebody who says nothing is given up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """In milliseconds, by Redis' clock."""

    lease: int = 6_000
    """For which a worker holds a target; a dead one is replaced after that."""
    leadership: int = 8_000
    """After which a watcher that leads and says nothing is replaced: longer than it waits for one answer of the
    API server."""
    slot_offer: int = 5_000
    """After which a target that was offered a slot and has not claimed it is passed over."""
    wake_up: int = 3_000
    """After which a wake-up that no worker took is taken for lost."""
    longest_wake_up: int = 300_000
    """Between two wake-ups of a target that no worker takes, at the most."""
