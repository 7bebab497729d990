"""Targets as JSON bodies. Pure."""

from __future__ import annotations

from dispatcher.config import Target
from dispatcher.domain.trouble import Trouble
from dispatcher.http.api.schemas.deploys import deploy_info
from dispatcher.http.api.schemas.pauses import PauseInfo
from dispatcher.http.api.schemas.targets import TargetInfo
from dispatcher.ledger import TargetView


def target_info(
    target: Target, view: TargetView, paused: PauseInfo | None, trouble: Trouble | None
) -> TargetInfo:
    return TargetInfo(
        name=target.name,
        repository=target.repository,
        branches=target.branches,
        tags=target.tags,
        paths=target.paths,
        namespace=target.namespace,
        on_new_push=target.on_new_push,
        active=deploy_info(view.active) if view.active else None,
        waiting=tuple(deploy_info(deploy) for deploy in view.waiting),
        waiting_count=view.waiting_count,
        last=deploy_info(view.last) if view.last else None,
        trouble=trouble.text if trouble else "",
        trouble_kind=trouble.kind if trouble else None,
        paused=paused,
    )
