"""What is told of deploys and repairs: one log line for each change, and a count of what was put right."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from dispatcher.domain.model import Deploy, State
from dispatcher.domain.repairs import Repair
from dispatcher.ledger import Repairs

log = structlog.get_logger()


def say(deploy: Deploy) -> None:
    """That it runs, or how it ended."""
    if deploy.terminal or deploy.state is State.RUNNING:
        level = log.warning if deploy.state in (State.FAILED, State.LOST) else log.info
        known = {"why": deploy.why, "cause": str(deploy.cause or "")}
        said = {name: text for name, text in known.items() if text}
        level(str(deploy.state), deploy=deploy.name, commit=deploy.commit[:12], **said)


def record_repairs(noted: Repairs, repairs: Sequence[Repair]) -> None:
    """Raises LedgerUnavailable."""
    noted.note(repairs)
    for repair in repairs:
        log.warning("repaired", target=repair.target, kind=str(repair.kind), what=repair.what)
