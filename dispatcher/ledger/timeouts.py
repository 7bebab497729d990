"""How long the ledger waits for a worker, a watcher, a wake-up or an offered slot before it gives up on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """In milliseconds, by Redis' clock."""

    lease: int = 6_000
    """A worker's lease on a target: another worker takes over from a dead one after this time."""
    leadership: int = 8_000
    """A watcher's leadership: another watcher takes over after this time. Longer than a watcher waits for one
    answer of the API server."""
    slot_offer: int = 5_000
    """A target that was offered a slot and has not claimed it is passed over after this time."""
    wake_up: int = 3_000
    """A wake-up that no worker took counts as lost after this time."""
    longest_wake_up: int = 300_000
    """Longest pause between two wake-ups of a target that no worker takes."""
    reader: int = 15_000
    """A log is relayed for so long after its last reader asked for it."""
