"""The observed state of the cluster's Jobs, as the leading watcher records it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
import structlog

from dispatcher.domain.errors import LedgerCorrupt, LedgerUnavailable
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.ledger.codec import decode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.retention import Happened
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.store import Store
from dispatcher.ledger.targets import row_keys
from dispatcher.ledger.wakeups import WakeUp

log = structlog.get_logger()


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `observe.lua` besides the observed state; the script's header documents each."""

    target: str
    job: str
    grace: int
    keep: Happened
    leads: bool


Cleaned: TypeAlias = Callable[[str, int], None]
"""Takes the namespace of a deploy, and how many milliseconds after its end nothing of it was left."""


def _unobserved(namespace: str, milliseconds: int) -> None:
    pass


class Observations:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store, cleaned: Cleaned = _unobserved) -> None:
        self._store, self._keys, self._cleaned = store, store.keys, cleaned

    def observe(self, observed: Sequence[tuple[str, ObservedJob]]) -> list[WakeUp]:
        """Records the observed state of Jobs, each with its target; returns the wake-ups to enqueue.

        Logs an error of one target's row, and goes on with the others.
        """
        calls = [self._call(target, each) for target, each in observed]
        replies = self._store.scripts.run_each(calls) if calls else []
        numbers = [
            self._understood(target, each, reply)
            for (target, each), reply in zip(observed, replies, strict=True)
        ]
        return [
            WakeUp(target, number, f"Job {each.job} {_happened(each)}")
            for (target, each), number in zip(observed, numbers, strict=True)
            if number
        ]

    def _understood(self, target: str, observed: ObservedJob, reply: Any) -> int:
        """The number of the wake-up to enqueue, 0 for none."""
        if isinstance(reply, LedgerUnavailable):
            log.error("observed state not recorded", target=target, why=str(reply))
            return 0
        number, cleaned_after = reply
        if cleaned_after >= 0:
            self._cleaned(observed.namespace, cleaned_after)
        return int(number)

    def _call(self, target: str, observed: ObservedJob) -> Call:
        name = observed.key
        json = msgspec.json.encode(observed)
        shared = (self._keys.running, self._keys.versions, self._keys.open(target))
        keys = (*row_keys(self._keys, target), *shared, *self._keys.noted(target))
        arguments = Arguments(
            target=target,
            job=name,
            grace=self._store.timeouts.wake_up,
            keep=self._store.retention.happened,
            leads=self._store.is_fenced,
        )
        return Call("observe", keys, (arguments, json))

    def known_jobs(self) -> list[tuple[str, ObservedJob]]:
        """Every Job that the ledger takes to be in the cluster, with its target. Two round trips."""
        with self._store.redis() as client:
            targets = sorted(texts(client.smembers(self._keys.busy)))
        found = self._store.each(map(self._keys.jobs, targets), lambda ask, key: ask.hvals(key))
        return [
            (target, observed)
            for target, values in zip(targets, found, strict=True)
            for raw in texts(values)
            if (observed := _readable(target, raw))
        ]

    def advance_version(self, namespace: str, version: str) -> bool:
        """Records the resourceVersion of a namespace's newest LIST of Jobs. Returns False, and records nothing,
        if a newer one is known: the cluster has gone back in time, see `forget_versions`."""
        noted = self._store.scripts.run(
            "advance_version", (self._keys.versions,), (namespace or "*", version)
        )
        return bool(noted)

    def forget_versions(self, namespace: str, version: str) -> None:
        """Forgets the resourceVersions of a namespace's Jobs: whatever is observed next counts as newer.
        Records the LIST's version last, so that the next leader repeats what this one left half done."""
        for target, observed in self.known_jobs():
            if namespace in ("", observed.namespace):
                name = observed.key
                self._store.scripts.run("forget", (self._keys.jobs(target),), (name,))
        self._store.write(("HSET", self._keys.versions, namespace or "*", version))


def _readable(target: str, raw: str) -> ObservedJob | None:
    """One target's broken row must not blind the watcher for all others."""
    try:
        return decode(raw, ObservedJob)
    except LedgerCorrupt as error:
        log.error(
            "a Job's observed state cannot be read and is left out", target=target, why=str(error)
        )
        return None


def _happened(observed: ObservedJob) -> str:
    if observed.gone:
        return "is gone" if not observed.live_pods else "is gone, a Pod is not"
    if observed.outcome:
        return observed.outcome
    if observed.deleting:
        return "is being deleted"
    return "runs" if observed.started else "was seen"
