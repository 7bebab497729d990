"""JSON bodies about targets."""

from __future__ import annotations

import msgspec

from dispatcher.config import Target
from dispatcher.http.api.schemas.deploys import DeployInfo, deploy_info
from dispatcher.http.api.schemas.pauses import PauseInfo
from dispatcher.ledger import TargetView


class TargetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A target at one glance."""

    name: str
    repository: str
    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    namespace: str = ""
    on_new_push: str = ""
    active: DeployInfo | None = None
    waiting: tuple[DeployInfo, ...] = ()
    """Those that come next, ten at the most."""
    waiting_count: int = 0
    """How many wait in all."""
    last: DeployInfo | None = None
    """The newest deploy that is over."""
    trouble: str = ""
    """What holds it up, "" for nothing."""
    paused: PauseInfo | None = None
    """Nothing of it starts until it is resumed."""


class TargetList(msgspec.Struct, frozen=True):
    targets: tuple[TargetInfo, ...]


def target_info(target: Target, view: TargetView, paused: PauseInfo | None = None) -> TargetInfo:
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
        trouble=view.trouble,
        paused=paused,
    )
