"""The ledger's operations for those who act and observe: lease, record, observe, wake, lead, publish."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import msgspec
import redis
import structlog

from dispatcher.domain.errors import (
    LeadLost,
    LeaseLost,
    LedgerCorrupt,
    LedgerUnavailable,
)
from dispatcher.domain.model import Deploy, ObservedJob
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger.connection import texts, translated
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.redeployment import Redeploy, Redeployed
from dispatcher.ledger.retention import Limits
from dispatcher.ledger.scripts import Argument, Call, Fence, Scripts
from dispatcher.ledger.snapshot import Lead, Leased, Recorded, decode, snapshot
from dispatcher.ledger.wakeups import WakeUp

log = structlog.get_logger()

JOB_CHANGED = "its Job has changed"
BEGUN = "begun "
"""Begins the fields of `Keys.listed` that say that a LIST has begun."""
FIRST_LIST = 2
"""Reply of `listed.lua`: Jobs can be created from now on."""


@dataclass(frozen=True)
class Answering:
    """The Redis that answers now."""

    run_id: str
    """Another one after a restart or a failover."""
    listed: frozenset[str]
    """The namespaces that were listed into this very run of it; "" for all at once."""
    has_data: bool
    """Some namespace was listed into it, in whichever run: it is not empty."""


class Ledger:
    """One installation's ledger. Every method is one round trip and raises LedgerUnavailable.

    Whatever is written goes through `scripts`, so that `leading` fences all of it.
    """

    def __init__(self, client: redis.Redis, keys: Keys, limits: Limits | None = None) -> None:
        self.client, self.keys, self.limits = client, keys, limits or Limits()
        self.scripts = Scripts(client)
        self._leader = ""
        """Token of the watcher that writes through it, "" for anybody else."""

    def leading(self, token: str) -> Self:
        """The ledger as the watcher with this token may write into it: only while it leads. All that is
        written through what is returned raises LeadLost from the moment when another one, or none, leads."""
        led = copy(self)
        led.scripts = self.scripts.fenced(Fence(self.keys.leader, token, self.limits.lead))
        led._leader = token
        return led

    def write(self, *commands: tuple[str, str, *tuple[Argument, ...]]) -> None:
        """Plain commands (name, key, arguments …), all at once."""
        if commands:
            keys = [key for _, key, *_ in commands]
            args = [each for name, _, *rest in commands for each in (name, len(rest), *rest)]
            self.scripts.run("write", keys, args)

    # For workers

    def acquire(self, target: str, token: str) -> Snapshot | Leased:
        """Leases the target to `token` and reads it; again with the same token reads it anew."""
        keys = self.keys
        reply = self.scripts.run(
            "acquire",
            (
                keys.row(target),
                keys.deploys(target),
                keys.jobs(target),
                keys.specs,
                keys.due,
                keys.listed,
                keys.paused,
                keys.limits,
                keys.running,
                keys.open(target),
            ),
            (target, token, self.limits.lease),
        )
        return Leased(reply[1]) if reply[0] == 0 else snapshot(target, reply)

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
        place: str = "",
        waits: bool = False,
        vain: int = 0,
    ) -> Recorded:
        """Writes deploys, compare-and-set; keeps the lease, or with `release` lets it go until `due_at`.

        `place` is the namespace of the deploy that has its turn, `waits` says that the target stands in
        line for one, `vain` how many looks in a row came to nothing by the cluster's fault.
        Raises LeaseLost when another holds the target by now. `check_transition` is the caller's to ask,
        step by step: several steps can be written at once.
        """
        ending: str | int = "keep" if not release else "" if due_at is None else due_at
        reply = self.scripts.run(
            "record",
            (
                *self._row_keys(seen.target),
                *self._place_keys(),
                self.keys.paused,
                self.keys.open(seen.target),
            ),
            (
                seen.target,
                token,
                self.limits.lease,
                str(seen.version),
                ending,
                trouble,
                self.limits.history,
                place,
                int(waits),
                vain,
                *_deploy_args(seen, deploys),
                *_job_args(new_jobs, dropped_jobs),
            ),
        )
        if reply == "lost":
            raise LeaseLost(f"another worker holds {seen.target} by now")
        return Recorded(reply)

    # For the watcher

    def observe(self, observed: Sequence[tuple[str, ObservedJob]]) -> list[WakeUp]:
        """Takes the observed state of Jobs, by target; returns the wake-ups to enqueue.

        What one target's row makes impossible is logged, and holds up no other.
        """
        calls = [self._observation(target, each) for target, each in observed]
        replies = self.scripts.run_each(calls) if calls else []
        return [
            WakeUp(target, number, f"Job {each.job} {_happened(each)}")
            for (target, each), number in zip(observed, replies, strict=True)
            if _said(number, target)
        ]

    def _observation(self, target: str, observed: ObservedJob) -> Call:
        name = f"{observed.namespace}/{observed.job}"
        json = msgspec.json.encode(observed).decode()
        shared = (self.keys.running, self.keys.versions, self.keys.open(target))
        keys = (*self._row_keys(target), *shared)
        return Call(
            "observe", keys, (target, name, json, self.limits.grace, int(bool(self._leader)))
        )

    def known_jobs(self) -> list[tuple[str, ObservedJob]]:
        """Every Job that the ledger takes to be in the cluster, with its target. Two round trips."""
        with translated(self.client):
            targets = sorted(texts(self.client.smembers(self.keys.busy)))
            pipeline = self.client.pipeline(transaction=False)
            for target in targets:
                pipeline.hvals(self.keys.jobs(target))
            found = pipeline.execute()
        return [
            (target, observed)
            for target, values in zip(targets, found, strict=True)
            for raw in texts(values)
            if (observed := _readable(target, raw))
        ]

    def heard(self, namespace: str, version: str) -> bool:
        """Notes the resourceVersion of a namespace's newest LIST of Jobs; False, and nothing is noted, if a
        newer one was heard of before: the cluster has gone back in time, see `went_back`."""
        return bool(self.scripts.run("heard", (self.keys.versions,), (namespace or "*", version)))

    def went_back(self, namespace: str, version: str) -> None:
        """No version that is known says anything: what is seen next of the Jobs counts, whatever its own.
        The LIST's is noted last, so that whoever leads next begins again with what was left half done."""
        for target, observed in self.known_jobs():
            if namespace in ("", observed.namespace):
                name = f"{observed.namespace}/{observed.job}"
                self.scripts.run("forget", (self.keys.jobs(target),), (name,))
        self.write(("HSET", self.keys.versions, namespace or "*", version))

    def begin_listing(self, namespace: str, token: str) -> None:
        """A full LIST of the namespace will be put into the Redis that answers now."""
        self.scripts.run("listed", (self.keys.listed,), (namespace or "*", token, "begun"))

    def mark_listed(self, namespace: str, token: str) -> list[WakeUp] | None:
        """All of that LIST is in: Jobs may be created there. Wakes who waited. None, and nothing is noted,
        where what was put in first is lost by now: it shows in `listed`."""
        answer = self.scripts.run("listed", (self.keys.listed,), (namespace or "*", token, "done"))
        if not answer:
            return None
        if answer < FIRST_LIST:
            return []
        with translated(self.client):
            names = texts(self.client.hkeys(self.keys.specs))
        return self.wake(self.with_open_deploys(names), "the cluster is listed")

    def listed(self) -> set[str]:
        """The namespaces that were listed into the Redis that answers now; "" for all at once."""
        return set(self.answering().listed)

    def answering(self) -> Answering:
        """Which Redis answers now, and what it knows of the cluster."""
        with translated(self.client):
            run_id = self.client.info("server")["run_id"]
            marked = self.client.hgetall(self.keys.listed)
        marks = zip(texts(marked), texts(marked.values()), strict=True)
        known = {name: by for name, by in marks if not name.startswith(BEGUN)}
        listed = {name.removeprefix("*") for name, by in known.items() if by == run_id}
        return Answering(run_id, frozenset(listed), bool(known))

    def lead(self, token: str) -> Lead:
        """Takes or renews the lead among watchers."""
        reply = self.scripts.run("lead", (self.keys.leader,), (token, self.limits.lead))
        return Lead.LEADS if reply else Lead.STANDS_BY

    def keep_lead(self) -> None:
        """Renews the lead of who is `leading`. Raises LeadLost."""
        self.lead(self._leader)

    def resign(self, token: str) -> None:
        """Gives the lead up at once, so that a watcher that stands by need not wait."""
        with suppress(LeadLost):  # another one's by now
            self.leading(token).write(("DEL", self.keys.leader))

    def due(self, now: int, most: int = 500) -> list[WakeUp]:
        """Wakes every target whose time has come, by Redis' clock; returns what to enqueue."""
        with translated(self.client):
            found = self.client.zrange(self.keys.due, "-inf", now, byscore=True, offset=0, num=most)
        return self._wake(texts(found), "it is due", str(now))

    def wake(self, targets: Sequence[str], why: str) -> list[WakeUp]:
        """Wakes targets whatever became of earlier wake-ups; one that a worker holds is read anew by it.
        What `found` says of a wake-up counts for targets that were due only."""
        return self._wake(targets, why, "")

    def _wake(self, targets: Sequence[str], why: str, due_by: str) -> list[WakeUp]:
        args = (self.limits.grace, self.limits.longest_wait, due_by)
        calls = [Call("wake", (self.keys.row(t), self.keys.due), (t, *args)) for t in targets]
        replies = self.scripts.run_many(calls) if calls else []
        return [
            WakeUp(target, number, why, found)
            for target, (number, found) in zip(targets, replies, strict=True)
            if number
        ]

    def woken(self, targets: Sequence[str]) -> list[str]:
        """Those of the targets whose last wake-up no worker has taken up yet."""
        with translated(self.client):
            pipeline = self.client.pipeline(transaction=False)
            for name in targets:
                pipeline.hget(self.keys.row(name), "woken")
            found = pipeline.execute()
        return [name for name, woken in zip(targets, found, strict=True) if woken == "1"]

    def now(self) -> int:
        """Redis' clock, in milliseconds."""
        with translated(self.client):
            seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def with_open_deploys(self, targets: Sequence[str]) -> list[str]:
        """Those of the targets that have a deploy which is not over."""
        with translated(self.client):
            pipeline = self.client.pipeline(transaction=False)
            for name in targets:
                pipeline.exists(self.keys.open(name))
            found = pipeline.execute()
        return [name for name, there in zip(targets, found, strict=True) if there]

    # For people

    def redeploy(self, asked: Redeploy) -> Redeployed:
        """Deploys what is asked for, and moves no branch; the same request gets the same answer."""
        return asked.answer(self.scripts.run(*asked.call(self.keys, self.limits)))

    def spec_changed(self, target: str, request: str, was: str, digest: str) -> Redeployed:
        """Deploys the target anew since its Job has changed, once for that change."""
        asked = Redeploy(target=target, request=request, note=JOB_CHANGED, was=was, digest=digest)
        return self.redeploy(asked)

    def _place_keys(self) -> tuple[str, ...]:
        return self.keys.running, self.keys.waiting, self.keys.waiters

    def _row_keys(self, target: str) -> tuple[str, ...]:
        keys = self.keys
        return keys.row(target), keys.deploys(target), keys.jobs(target), keys.due, keys.busy


def _said(reply: Any, target: str) -> bool:
    if isinstance(reply, LedgerUnavailable):
        log.error("what was seen could not be written", target=target, why=str(reply))
        return False
    return bool(reply)


def _readable(target: str, raw: str) -> ObservedJob | None:
    """One target's broken row must not blind the watcher for all others."""
    try:
        return decode(raw, ObservedJob)
    except LedgerCorrupt as error:
        log.error(
            "a Job's observed state cannot be read and is left out", target=target, why=str(error)
        )
        return None


def _deploy_args(seen: Snapshot, deploys: Sequence[Deploy]) -> list[str | int]:
    args: list[str | int] = [len(deploys)]
    for deploy in deploys:
        args += [
            deploy.number,
            seen.read.get(deploy.number, ""),
            msgspec.json.encode(deploy).decode(),
        ]
    return args


def _job_args(new: Sequence[ObservedJob], dropped: Sequence[str]) -> list[str | int]:
    args: list[str | int] = [len(new) + len(dropped)]
    for observed in new:
        args += [
            f"{observed.namespace}/{observed.job}",
            "new",
            msgspec.json.encode(observed).decode(),
        ]
    for name in dropped:
        args += [name, "drop", ""]
    return args


def _happened(observed: ObservedJob) -> str:
    if observed.gone:
        return "is gone" if not observed.live_pods else "is gone, a Pod is not"
    if observed.outcome:
        return observed.outcome
    if observed.deleting:
        return "is being deleted"
    return "runs" if observed.started else "was seen"
