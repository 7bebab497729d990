"""A deploy's phases as the parts of a bar, from push to deletion. Pure; times are milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from statistics import median
from typing import NamedTuple

from dispatcher.domain.deploy import TERMINAL, State
from dispatcher.domain.event import Event, EventKind
from dispatcher.ledger import RecentDeploy

WIDTH = 1000
NARROWEST = 4


class Part(NamedTuple):
    """A phase, and where it is on a bar that is `WIDTH` wide."""

    phase: str
    seconds: float
    x: int
    width: int


def parts(timeline: Sequence[Event], now: int, *, cleaned: bool) -> list[Part]:
    """The phases in order. The last one goes on until now, unless the deploy is over and `cleaned`."""
    spans = _spans(timeline, now, cleaned=cleaned)
    total = sum(length for _, length in spans) or 1
    found, x = list[Part](), 0
    for phase, length in spans:
        width = max(NARROWEST, round(length * WIDTH / total))
        found.append(Part(phase, length / 1000, x, width))
        x += width
    return found


def _spans(timeline: Sequence[Event], now: int, *, cleaned: bool) -> list[tuple[str, int]]:
    changes = [event for event in timeline if event.state]
    spans: list[tuple[str, int]] = []
    for event, following in zip_longest(changes, changes[1:]):
        phase = _phase(event)
        if event.kind is EventKind.CLEANED or (
            following is None and phase == "cleaning" and cleaned
        ):
            continue
        length = max(0, (following.at if following else now) - event.at)
        if spans and spans[-1][0] == phase:
            length += spans.pop()[1]
        spans.append((phase, length))
    return spans


def _phase(event: Event) -> str:
    if event.state in TERMINAL:
        return "cleaning"
    return "waiting" if event.state is State.PENDING else str(event.state)


class Usual(NamedTuple):
    """Medians of the last deploys that succeeded; seconds."""

    waited: float
    ran: float
    deploys: int


def usual(recent: Sequence[RecentDeploy]) -> Usual | None:
    done = [each for each in recent if each.state is State.SUCCEEDED and each.started_at]
    if not done:
        return None
    waited = median(max(0, each.started_at - each.created_at) for each in done)
    return Usual(
        waited / 1000, median(each.ended_at - each.started_at for each in done) / 1000, len(done)
    )
