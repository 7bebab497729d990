"""Leases one target for a worker, reads its snapshot, writes its deploys, and ends the lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.errors import LeaseLost
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.pause import Paused
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Spec
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.retention import Happened
from dispatcher.ledger.store import Store


@dataclass(frozen=True)
class Leased:
    """Another worker has the target, for this long at most."""

    milliseconds: int


class RecordResult(StrEnum):
    OK = "ok"
    AGAIN = "again"  # written; the target has moved since: look again
    MOVED = "moved"  # not written; a deploy has changed since: look again


class Acquired(msgspec.Struct, frozen=True, kw_only=True):
    """The reply of `acquire.lua`; its header documents each field."""

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


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A deploy that `record.lua` writes if it is still as it was read: both as text, byte by byte."""

    number: int
    read: str
    write: str


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `record.lua`; its header documents each."""

    target: str
    token: str
    lease: int
    version: int
    ends: bool
    due_at: int
    trouble: str
    failures: int
    history: int
    keep: Happened
    slot: str
    waits: bool
    deploys: Sequence[Changed]
    jobs: Mapping[str, str]
    dropped: Sequence[str]


class Targets:
    """Every method is one round trip and raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    @property
    def lease(self) -> int:
        """Milliseconds for which a target is leased."""
        return self._store.timeouts.lease

    def acquire(self, target: str, token: str) -> Snapshot | Leased:
        """Leases the target to `token` and reads it. Called again with the same token, it reads it anew."""
        keys = self._keys
        reply = self._store.scripts.run(
            "acquire",
            (
                keys.row(target),
                keys.deploys(target),
                keys.jobs(target),
                keys.specs,
                keys.due,
                keys.listed,
                keys.paused,
                keys.max_running,
                keys.running,
                keys.open(target),
            ),
            (target, token, self.lease),
        )
        return _acquired(target, reply)

    def record(
        self,
        seen: Snapshot,
        token: str,
        *,
        deploys: Sequence[Deploy] = (),
        new_jobs: Sequence[ObservedJob] = (),
        dropped_jobs: Sequence[str] = (),
        release: bool = False,
        due_at: int | None = None,
        trouble: str = "",
        slot: str = "",
        waits: bool = False,
        failures: int = 0,
    ) -> RecordResult:
        """Writes deploys, compare-and-set. Renews the lease, or ends it with `release`; the target is then due
        at `due_at`.

        `slot` is the namespace of the deploy that has a concurrency slot, `waits` says that the target waits in
        line for one, and `failures` how many looks in a row failed because of the cluster.
        Raises LeaseLost if another worker holds the target by now. The caller checks each transition
        (`check_transition`), since one write can hold several.
        """
        keys = self._keys
        reply = self._store.scripts.run(
            "record",
            (
                *row_keys(keys, seen.target),
                keys.running,
                keys.waiting,
                keys.waiters,
                keys.paused,
                keys.open(seen.target),
                *keys.noted(seen.target),
            ),
            (
                Arguments(
                    target=seen.target,
                    token=token,
                    lease=self.lease,
                    version=seen.version,
                    ends=release,
                    due_at=due_at or 0,
                    trouble=trouble,
                    failures=failures,
                    history=self._store.retention.history,
                    keep=self._store.retention.happened,
                    slot=slot,
                    waits=waits,
                    deploys=[_changed(seen, deploy) for deploy in deploys],
                    jobs={job.key: encode(job) for job in new_jobs},
                    dropped=dropped_jobs,
                ),
            ),
        )
        if reply == "lost":
            raise LeaseLost(f"another worker holds {seen.target} by now")
        return RecordResult(reply)


def row_keys(keys: Keys, target: str) -> tuple[str, ...]:
    """The first keys of each script that changes a target's row."""
    return keys.row(target), keys.deploys(target), keys.jobs(target), keys.due, keys.busy


def stored(deploy: Deploy) -> str:
    """The text that the ledger stores for a deploy: the next write compares with it."""
    return encode(deploy)


def _changed(seen: Snapshot, deploy: Deploy) -> Changed:
    read = seen.read.get(deploy.number, "")
    return Changed(number=deploy.number, read=read, write=stored(deploy))


def _acquired(target: str, raw: str) -> Snapshot | Leased:
    reply = decode(raw, Acquired)
    if reply.leased:
        return Leased(reply.leased)
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
