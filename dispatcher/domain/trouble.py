"""Trouble: what holds a target up. Values, and rules over them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dispatcher.domain.durations import show_duration
from dispatcher.domain.pause import Paused

UNTAKEN_AFTER = 20_000
"""How long (ms) a wake-up may wait for a worker before that is a trouble of its target."""


class TroubleKind(StrEnum):
    UNTAKEN = "untaken"  # no worker takes its wake-up: none runs, all hang, or all are busy
    HELD_UP = "held-up"  # a worker looked at it, and says what it waits for
    PAUSED = "paused"  # somebody paused it long ago, and may have forgotten that


@dataclass(frozen=True)
class Trouble:
    """Of one target."""

    kind: TroubleKind
    text: str
    """For people."""


def trouble_of(held_up: str, woken: int, now: int) -> Trouble | None:
    """`held_up`: what the worker said that looked at the target last; `woken`: since when a wake-up waits for a
    worker (ms), 0 for none."""
    if woken and now - woken >= UNTAKEN_AFTER:
        waited = show_duration((now - woken) // 1000)
        return Trouble(TroubleKind.UNTAKEN, f"no worker has taken it up for {waited}")
    return Trouble(TroubleKind.HELD_UP, held_up) if held_up else None


def pause_trouble(paused: Paused | None, remind_after: int, now: int) -> Trouble | None:
    """The pause of a target, if it has lasted for `remind_after` seconds; 0 for never."""
    if not paused or not remind_after or now - paused.at < remind_after * 1000:
        return None
    seconds = (now - paused.at) // 1000
    lasted = show_duration(seconds - seconds % (3600 if seconds >= 3600 else 60))
    why = f": {paused.reason}" if paused.reason else ""
    return Trouble(TroubleKind.PAUSED, f"paused for {lasted} by {paused.by}{why}")
