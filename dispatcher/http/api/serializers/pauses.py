"""Pauses as JSON bodies. Pure."""

from __future__ import annotations

from dispatcher.http.api.schemas.pauses import PauseInfo
from dispatcher.http.api.schemas.times import rfc3339
from dispatcher.ledger import Pauses


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
