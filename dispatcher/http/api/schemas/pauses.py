"""JSON bodies about pauses."""

from __future__ import annotations

import msgspec

from dispatcher.http.api.schemas.times import rfc3339
from dispatcher.ledger import Pauses


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


def pause_info(pauses: Pauses, target: str | None) -> PauseInfo | None:
    """A target's own pause, else that of everything, which is all there is for None."""
    found = pauses.of(target) if target else pauses.everything
    if found is None:
        return None
    return PauseInfo(
        by=found.by,
        reason=found.reason,
        since=rfc3339(found.at),
        everything=target not in pauses.targets,
    )
