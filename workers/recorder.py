"""Logs each deploy that runs or ends; logs and counts each repair."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.repairs import Repair
from dispatcher.ledger import Repairs

log = structlog.get_logger()


def record_deploy(deploy: Deploy) -> None:
    """Logs that the deploy runs, or how it ended."""
    if deploy.terminal or deploy.state is State.RUNNING:
        level = log.warning if deploy.state in (State.FAILED, State.LOST) else log.info
        known = {"why": deploy.why, "cause": str(deploy.cause or "")}
        present = {name: text for name, text in known.items() if text}
        level(f"deploy {deploy.state}", deploy=deploy.name, commit=deploy.commit[:12], **present)


def record_repairs(noted: Repairs, repairs: Sequence[Repair]) -> None:
    """Raises LedgerUnavailable."""
    noted.note(repairs)
    for repair in repairs:
        log.warning("repaired", target=repair.target, kind=str(repair.kind), what=repair.what)
