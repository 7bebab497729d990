"""JSON bodies about targets."""

from __future__ import annotations

import msgspec

from dispatcher.domain.trouble import TroubleKind
from dispatcher.http.api.schemas.deploys import DeployInfo
from dispatcher.http.api.schemas.pauses import PauseInfo


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
    trouble_kind: TroubleKind | None = None
    paused: PauseInfo | None = None
    """Nothing of it starts until it is resumed."""


class TargetPage(msgspec.Struct, frozen=True, kw_only=True):
    targets: tuple[TargetInfo, ...]
    total: int
    """How many there are in all, on every page."""
    next: str = ""
    """The cursor of the next page; empty on the last one."""


class TargetList(msgspec.Struct, frozen=True):
    targets: tuple[TargetInfo, ...]
