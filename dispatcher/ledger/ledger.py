"""The ledger's operations for those who act and observe: lease, record, observe, wake, lead, publish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
import redis
import structlog

from dispatcher.errors import (
    IllegalTransition,
    LeadLost,
    LeaseLost,
    LedgerCorrupt,
    LedgerUnavailable,
)
from dispatcher.ledger.connection import texts, translated
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.limits import Limits
from dispatcher.ledger.scripts import Call, Scripts
from dispatcher.ledger.snapshot import Lead, Leased, Recorded, Snapshot, decode, snapshot
from dispatcher.ledger.wakeups import WakeUp
from dispatcher.model import FOUND, TRANSITIONS, Deploy, JobFacts, Outcome, Reason, Spec

log = structlog.get_logger()

JOB_CHANGED = "its Job has changed"


class Ledger:
    """One installation's ledger. Every method is one round trip and raises LedgerUnavailable."""

    def __init__(self, client: redis.Redis, keys: Keys, limits: Limits | None = None) -> None:
        self.client, self.keys, self.limits = client, keys, limits or Limits()
        self.scripts = Scripts(client)

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
        new_jobs: Sequence[JobFacts] = (),
        dropped_jobs: Sequence[str] = (),
        release: bool = False,
        due_at: int | None = None,
        trouble: str = "",
    ) -> Recorded:
        """Writes deploys, compare-and-set; keeps the lease, or with `release` lets it go until `due_at`.

        Raises LeaseLost when another holds the target by now. `check_transition` is the caller's to ask,
        step by step: several steps can be written at once.
        """
        ending: str | int = "keep" if not release else "" if due_at is None else due_at
        reply = self.scripts.run(
            "record",
            self._row_keys(seen.target),
            (
                seen.target,
                token,
                self.limits.lease,
                str(seen.version),
                ending,
                trouble,
                self.limits.history,
                *_deploy_args(seen, deploys),
                *_job_args(new_jobs, dropped_jobs),
            ),
        )
        if reply == "lost":
            raise LeaseLost(f"another worker holds {seen.target} by now")
        return Recorded(reply)

    # For the watcher

    def observe(self, facts: Sequence[tuple[str, JobFacts]], leader: str = "") -> list[WakeUp]:
        """Takes what was seen of Jobs, as (target, facts); returns the wake-ups to enqueue.

        With the token of a watcher, only while no other leads: raises LeadLost. What one target's row
        makes impossible is logged, and holds up no other.
        """
        calls = [self._observation(target, each, leader) for target, each in facts]
        replies = self.scripts.run_each(calls) if calls else []
        if -1 in replies:
            raise LeadLost("another watcher leads by now")
        return [
            WakeUp(target, number, f"Job {each.job} {_happened(each)}")
            for (target, each), number in zip(facts, replies, strict=True)
            if _said(number, target)
        ]

    def _observation(self, target: str, facts: JobFacts, leader: str) -> Call:
        name = f"{facts.namespace}/{facts.job}"
        json = msgspec.json.encode(facts).decode()
        keys = (*self._row_keys(target), self.keys.leader)
        return Call("observe", keys, (target, name, json, self.limits.grace, leader))

    def known_jobs(self) -> list[tuple[str, JobFacts]]:
        """Every Job that the ledger takes to be in the cluster, as (target, facts). Two round trips."""
        with translated(self.client):
            targets = sorted(texts(self.client.smembers(self.keys.busy)))
            pipeline = self.client.pipeline(transaction=False)
            for target in targets:
                pipeline.hvals(self.keys.jobs(target))
            found = pipeline.execute()
        return [
            (target, facts)
            for target, values in zip(targets, found, strict=True)
            for raw in texts(values)
            if (facts := _readable(target, raw))
        ]

    def mark_listed(self, namespace: str) -> list[WakeUp]:
        """A full LIST of the namespace is in this Redis: Jobs may be created there. Wakes who waited."""
        keys = self.keys
        with translated(self.client):
            run_id = self.client.info("server")["run_id"]
            before = self.client.hget(keys.listed, namespace)
            self.client.hset(keys.listed, namespace, run_id)
            names = [] if before == run_id else texts(self.client.hkeys(keys.specs))
        return self.wake(self.with_open_deploys(names), "the cluster is listed")

    def listed(self) -> set[str]:
        """The namespaces that were listed into the Redis that answers now."""
        with translated(self.client):
            run_id = self.client.info("server")["run_id"]
            marked = self.client.hgetall(self.keys.listed)
        return set(texts(namespace for namespace, by in marked.items() if by == run_id))

    def lead(self, token: str) -> Lead:
        """Takes or renews the lead among watchers."""
        reply = self.scripts.run("lead", (self.keys.leader,), (token, self.limits.lead))
        return Lead.LEADS if reply else Lead.STANDS_BY

    def resign(self, token: str) -> None:
        """Gives the lead up at once, so that a watcher that stands by need not wait."""
        with translated(self.client):
            if self.client.get(self.keys.leader) == token:
                self.client.delete(self.keys.leader)

    def due(self, now: int, most: int = 500) -> list[WakeUp]:
        """Wakes every target whose time has come, by Redis' clock; returns what to enqueue."""
        with translated(self.client):
            found = self.client.zrange(self.keys.due, "-inf", now, byscore=True, offset=0, num=most)
        return self.wake(texts(found), "it is due")

    def wake(self, targets: Sequence[str], why: str) -> list[WakeUp]:
        """Wakes targets whatever became of earlier wake-ups; those that a worker holds are left out."""
        args = (self.limits.grace, self.limits.longest_wait)
        calls = [Call("wake", (self.keys.row(t), self.keys.due), (t, *args)) for t in targets]
        replies = self.scripts.run_many(calls) if calls else []
        return [
            WakeUp(t, number, why) for t, number in zip(targets, replies, strict=True) if number
        ]

    def now(self) -> int:
        """Redis' clock, in milliseconds."""
        with translated(self.client):
            seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def publish(self, specs: Sequence[Spec]) -> list[WakeUp]:
        """Replaces the published specs; wakes the targets with an open deploy that it changes,
        and deploys those anew whose Job has changed."""
        wanted = {
            spec.target: msgspec.json.encode(spec, order="deterministic").decode() for spec in specs
        }
        with translated(self.client):
            known = self.client.hgetall(self.keys.specs)
            changed = [name for name, json in wanted.items() if known.get(name) != json]
            gone = [name for name in known if name not in wanted]
            with self.client.pipeline(transaction=True) as pipeline:
                if changed:
                    pipeline.hset(self.keys.specs, mapping={name: wanted[name] for name in changed})
                if gone:
                    pipeline.hdel(self.keys.specs, *gone)
                pipeline.execute()
        rolled = self._roll_out(specs)
        return rolled + self.wake(self.with_open_deploys(changed), "its configuration is new")

    def _roll_out(self, specs: Sequence[Spec]) -> list[WakeUp]:
        """A target whose rendered Job has changed since it was published before is deployed anew."""
        with translated(self.client):
            pipeline = self.client.pipeline(transaction=False)
            for spec in specs:
                pipeline.hget(self.keys.row(spec.target), "digest")
            before = pipeline.execute()
        woken: list[WakeUp] = []
        for spec, digest in zip(specs, before, strict=True):
            if digest and digest != spec.digest:
                done = self._redeploy(
                    spec.target, f"spec-{uuid4()}", "", JOB_CHANGED, digest, spec.digest
                )
                woken += [done.wake_up] if done.wake_up else []
            elif not digest:
                with translated(self.client):
                    self.client.hsetnx(self.keys.row(spec.target), "digest", spec.digest)
        return woken

    def with_open_deploys(self, targets: Sequence[str]) -> list[str]:
        """Those of the targets that have a deploy which is not over."""
        with translated(self.client):
            pipeline = self.client.pipeline(transaction=False)
            for name in targets:
                pipeline.hget(self.keys.row(name), "open")
            found = pipeline.execute()
        return [name for name, open_ in zip(targets, found, strict=True) if open_]

    # For people

    def redeploy(self, target: str, request: str, asked_by: str, note: str) -> Redeployed:
        """Runs the target's newest deploy once more; the same `request` id gets the same answer."""
        return self._redeploy(target, request, asked_by, note, "", "")

    def _redeploy(
        self, target: str, request: str, asked_by: str, note: str, was: str, digest: str
    ) -> Redeployed:
        """With a digest: because the Job has changed, and once for that change."""
        keys, reason = self.keys, Reason.SPEC_CHANGE if digest else Reason.REDEPLOY
        raw = self.scripts.run(
            "redeploy",
            (keys.row(target), keys.deploys(target), keys.due, keys.request(target, request)),
            (
                target,
                asked_by,
                note,
                self.limits.grace,
                self.limits.remember,
                reason,
                was,
                digest,
            ),
        )
        reply = decode(raw, _Redeploy)
        why = f"{reason}, deploy {reply.deploy}"
        wake_up = WakeUp(target, reply.wake, why) if reply.wake else None
        outcome = None if reply.outcome == "nothing" else Outcome(reply.outcome)
        return Redeployed(outcome, reply.deploy, wake_up)

    def _row_keys(self, target: str) -> tuple[str, ...]:
        keys = self.keys
        return keys.row(target), keys.deploys(target), keys.jobs(target), keys.due, keys.busy


@dataclass(frozen=True)
class Redeployed:
    outcome: Outcome | None
    """None: the target has never been deployed, so there is nothing to run again."""
    number: int
    wake_up: WakeUp | None


class _Redeploy(msgspec.Struct, frozen=True):
    outcome: str
    deploy: int
    wake: int


def _said(reply: Any, target: str) -> bool:
    if isinstance(reply, LedgerUnavailable):
        log.error("what was seen could not be written", target=target, why=str(reply))
        return False
    return bool(reply)


def _readable(target: str, raw: str) -> JobFacts | None:
    """One target's broken row must not blind the watcher for all others."""
    try:
        return decode(raw, JobFacts)
    except LedgerCorrupt as error:
        log.error("unreadable facts left out", target=target, why=str(error))
        return None


def check_transition(before: Deploy | None, after: Deploy) -> None:
    """Raises IllegalTransition for a change that the table does not have: that is a bug."""
    legal = TRANSITIONS[before.state] if before else {FOUND}
    if after.state not in legal:
        was = before.state if before else "nothing"
        raise IllegalTransition(f"{after.name} cannot go from {was} to {after.state}")


def _deploy_args(seen: Snapshot, deploys: Sequence[Deploy]) -> list[str | int]:
    args: list[str | int] = [len(deploys)]
    for deploy in deploys:
        args += [
            deploy.number,
            seen.read.get(deploy.number, ""),
            msgspec.json.encode(deploy).decode(),
        ]
    return args


def _job_args(new: Sequence[JobFacts], dropped: Sequence[str]) -> list[str | int]:
    args: list[str | int] = [len(new) + len(dropped)]
    for facts in new:
        args += [f"{facts.namespace}/{facts.job}", "new", msgspec.json.encode(facts).decode()]
    for name in dropped:
        args += [name, "drop", ""]
    return args


def _happened(facts: JobFacts) -> str:
    if facts.gone:
        return "is gone" if not facts.live_pods else "is gone, a Pod is not"
    if facts.outcome:
        return facts.outcome
    if facts.deleting:
        return "is being deleted"
    return "runs" if facts.started else "was seen"
