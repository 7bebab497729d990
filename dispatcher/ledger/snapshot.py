"""What a worker reads of a target, as types: the snapshot, and what came of leasing and writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from dispatcher.errors import LedgerCorrupt
from dispatcher.model import Deploy, JobFacts, Spec

T = TypeVar("T")


class Paused(msgspec.Struct, frozen=True):
    """Who holds a target, or everything, and why."""

    by: str
    reason: str
    at: int

    def __str__(self) -> str:
        return f"paused by {self.by}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that a plan needs to know about a target, as of `now`."""

    target: str
    now: int
    version: int
    spec: Spec | None
    listed: bool
    """A full LIST of the target's namespace is in this very Redis: what is not known is not there."""
    deploys: tuple[Deploy, ...]
    """Those that are open, those that have a Job, and the one that was started last; oldest first."""
    jobs: tuple[JobFacts, ...]
    paused: str = ""
    """Who holds the target and why, in words; "" if nobody does."""
    succeeded: int = 0
    """Number of the newest deploy that succeeded."""
    attempted: int = 0
    """Number of the newest deploy that was started."""
    begun: int = 0
    """Number of the deploy that was started last; it is among the deploys while the history has it."""
    sure: bool = False
    """It was: the Redis that answers now was told, and has forgotten nothing since."""
    seq: int = 0
    """The newest number that was given."""
    limited: bool = False
    """How many deploys may run at once is limited."""
    placed: bool = False
    """The target has its place among those that may run."""
    no_place: str = ""
    """Why it has none, once it has asked; "" otherwise."""
    vain: int = 0
    """Looks in a row that came to nothing by the cluster's fault."""
    published: bool = False
    """A watcher has published what is configured: a target without a spec is not."""
    read: Mapping[int, str] = field(default_factory=dict)
    """The deploys as read, to compare with when they are written."""


@dataclass(frozen=True)
class Leased:
    """Another worker has the target, for this long at most."""

    milliseconds: int


class Recorded(StrEnum):
    OK = "ok"
    AGAIN = "again"  # written; the target has moved since: look again
    MOVED = "moved"  # not written; a deploy has changed since: look again


class Lead(StrEnum):
    LEADS = "leads"
    STANDS_BY = "stands by"


def decode(raw: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise LedgerCorrupt(
            f"the ledger holds a {kind.__name__} that cannot be read: {error}"
        ) from error


def snapshot(target: str, reply: Sequence[Any]) -> Snapshot:
    _, now, version, spec, listed, deploys, jobs, succeeded, paused, attempted, *more = reply
    limited, placed, vain, published, seq, begun, sure = more
    found = {deploy.number: (deploy, raw) for raw in deploys for deploy in [decode(raw, Deploy)]}
    return Snapshot(
        target=target,
        now=int(now),
        version=int(version),
        spec=decode(spec, Spec) if spec else None,
        listed=bool(listed),
        deploys=tuple(found[number][0] for number in sorted(found)),
        jobs=tuple(
            sorted((decode(raw, JobFacts) for raw in jobs), key=lambda j: (j.number, j.job))
        ),
        succeeded=int(succeeded),
        attempted=int(attempted),
        paused=str(decode(paused, Paused)) if paused else "",
        limited=bool(limited),
        placed=bool(placed),
        vain=int(vain),
        published=bool(published),
        seq=int(seq),
        begun=int(begun),
        sure=bool(sure),
        read={number: raw for number, (_, raw) in found.items()},
    )
