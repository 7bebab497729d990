"""The replies of `acquire.lua` and `record.lua`, decoded; the first is turned into a Snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.pause import Paused
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Spec
from dispatcher.ledger.codec import decode


@dataclass(frozen=True)
class Leased:
    """Another worker has the target, for this long at most."""

    milliseconds: int


class RecordResult(StrEnum):
    OK = "ok"
    AGAIN = "again"  # written; the target has moved since: look again
    MOVED = "moved"  # not written; a deploy has changed since: look again


class Acquired(msgspec.Struct, frozen=True, kw_only=True):
    """What `acquire.lua` answers: its header says what each is."""

    leased: int
    now: int = 0
    version: int = 0
    spec: str = ""
    published: bool = False
    listed: bool = False
    deploys: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    paused: str = ""
    seq: int = 0
    attempted: int = 0
    succeeded: int = 0
    begun: int = 0
    sure: bool = False
    limited: bool = False
    has_slot: bool = False
    failures: int = 0


def acquired(target: str, raw: str) -> Snapshot | Leased:
    reply = decode(raw, Acquired)
    return Leased(reply.leased) if reply.leased else snapshot(target, reply)


def snapshot(target: str, reply: Acquired) -> Snapshot:
    found = {
        deploy.number: (deploy, raw) for raw in reply.deploys for deploy in [decode(raw, Deploy)]
    }
    jobs = (decode(raw, ObservedJob) for raw in reply.jobs)
    return Snapshot(
        target=target,
        now=reply.now,
        version=reply.version,
        spec=decode(reply.spec, Spec) if reply.spec else None,
        listed=reply.listed,
        deploys=tuple(found[number][0] for number in sorted(found)),
        jobs=tuple(sorted(jobs, key=lambda job: (job.number, job.job))),
        succeeded=reply.succeeded,
        attempted=reply.attempted,
        paused=str(decode(reply.paused, Paused)) if reply.paused else "",
        limited=reply.limited,
        has_slot=reply.has_slot,
        failures=reply.failures,
        published=reply.published,
        seq=reply.seq,
        begun=reply.begun,
        sure=reply.sure,
        read={number: raw for number, (_, raw) in found.items()},
    )
