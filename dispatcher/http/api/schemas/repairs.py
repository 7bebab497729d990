"""JSON bodies about repairs."""

from __future__ import annotations

import msgspec

from dispatcher.domain.repairs import Kind, Repair
from dispatcher.http.api.schemas.times import rfc3339


class RepairInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A repair of an inconsistency."""

    at: str | None
    kind: Kind
    target: str
    """Empty for what concerns no single one."""
    what: str


class RepairList(msgspec.Struct, frozen=True):
    counts: dict[str, int]
    """How many of each kind there ever were."""
    repairs: tuple[RepairInfo, ...]
    """The newest, newest first."""


def repair_info(repair: Repair) -> RepairInfo:
    return RepairInfo(
        at=rfc3339(repair.at), kind=repair.kind, target=repair.target, what=repair.what
    )
