"""A snapshot from the script's reply, and what came of leasing and writing, as types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from dispatcher.domain.errors import LedgerCorrupt
from dispatcher.domain.model import Deploy, ObservedJob, Spec
from dispatcher.domain.snapshot import Paused, Snapshot

T = TypeVar("T")


@dataclass(frozen=True)
class Leased:
    """Another worker has the target, for this long at most."""

    milliseconds: int


class Recorded(StrEnum):
    OK = "ok"
    AGAIN = "again"  # written; the target has moved since: look again
    MOVED = "moved"  # not written; a deploy has changed since: look again


def decode(raw: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise LedgerCorrupt(
            f"the ledger holds a {kind.__name__} that cannot be read: {error}"
        ) from error


def snapshot(target: str, reply: Sequence[Any]) -> Snapshot:
    _, now, version, spec, listed, deploys, jobs, succeeded, paused, attempted, *more = reply
    limited, has_slot, vain, published, seq, begun, sure = more
    found = {deploy.number: (deploy, raw) for raw in deploys for deploy in [decode(raw, Deploy)]}
    return Snapshot(
        target=target,
        now=int(now),
        version=int(version),
        spec=decode(spec, Spec) if spec else None,
        listed=bool(listed),
        deploys=tuple(found[number][0] for number in sorted(found)),
        jobs=tuple(
            sorted((decode(raw, ObservedJob) for raw in jobs), key=lambda j: (j.number, j.job))
        ),
        succeeded=int(succeeded),
        attempted=int(attempted),
        paused=str(decode(paused, Paused)) if paused else "",
        limited=bool(limited),
        has_slot=bool(has_slot),
        vain=int(vain),
        published=bool(published),
        seq=int(seq),
        begun=int(begun),
        sure=bool(sure),
        read={number: raw for number, (_, raw) in found.items()},
    )
