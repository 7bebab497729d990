"""How long a deploy spent in each phase of its life, by its timeline. Pure; milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.domain.deploy import TERMINAL, State
from dispatcher.domain.event import Event, EventKind

KEPT = frozenset({State.FAILED, State.LOST})
"""The Job of such a deploy stays in the cluster for a person to look at."""


@dataclass(frozen=True, kw_only=True)
class Phases:
    """None for a phase that the deploy did not come to; the present one lasts until now."""

    waiting: int | None = None
    """It waited for its turn, or to be tried again."""
    starting: int | None = None
    """From its Job's name to its first running main container, in all attempts together."""
    running: int | None = None
    stopping: int | None = None
    cleaning: int | None = None
    """From its end until its Job and Pods were gone from the cluster; not of one whose Job is kept."""


def phases_of(timeline: Sequence[Event], now: int, *, has_job: bool) -> Phases:
    """The sums by phase; `has_job`: its Job or a Pod of it is still in the cluster.

    A long timeline lacks some events in its middle: their time counts for the phase before.
    """
    changes = [event for event in timeline if event.state]
    ends = [event.at for event in changes[1:]]
    if changes and (has_job or changes[-1].state not in TERMINAL):
        ends.append(now)
    spent: dict[str, int] = {}
    for event, ended in zip(changes, ends, strict=False):
        phase = _phase(event)
        if phase:
            spent[phase] = spent.get(phase, 0) + max(0, ended - event.at)
    return Phases(**spent)


def _phase(event: Event) -> str:
    """The phase that begins with the event, or goes on; "" for none."""
    if event.kind is EventKind.CLEANED or event.state in KEPT:
        return ""
    if event.state in TERMINAL:
        return "cleaning"
    return "waiting" if event.state is State.PENDING else str(event.state)
