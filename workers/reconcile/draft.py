"""A snapshot that a worker changes while it reconciles: what was read, and what is to be written.

A deploy's new state is logged after it was written, never before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.transitions import check_transition
from dispatcher.ledger import RecordResult, Repairs, Targets, stored
from workers.recorder import record_deploy, record_repairs

Recorded: TypeAlias = Callable[[Deploy, State | None], None]
"""Takes a deploy in its new state, and the state that it had when it was read."""


class WriteConflict(Exception):  # no error: the target is read anew
    """A deploy has changed since it was read; nothing was written."""


class Draft:
    """One target under one worker's lease. `seen` shows changes at once; `write` writes them."""

    def __init__(
        self,
        targets: Targets,
        noted: Repairs,
        token: str,
        seen: Snapshot,
        clock: Callable[[], float],
        leased_at: float,
        recorded: Recorded = lambda *_: None,
    ) -> None:
        """`recorded` is called for each deploy whose new state was written."""
        self._targets, self._noted = targets, noted
        self._token, self._clock, self._recorded = token, clock, recorded
        self.seen = seen
        self.leased_at = leased_at
        """When the lease was acquired or renewed last, by the worker's own clock (s)."""
        self.live_pods: int | None = None
        self._changed: dict[int, Deploy] = {}
        self._new: dict[str, ObservedJob] = {}
        self._dropped: set[str] = set()
        self._failures = 0
        self._reported = {deploy.number: deploy.state for deploy in seen.deploys}
        self._repairs: list[Repair] = []

    def put(self, deploys: Iterable[Deploy]) -> None:
        """Replaces these deploys. Raises IllegalTransition for a bug."""
        deploys = tuple(deploys)
        before = {deploy.number: deploy for deploy in self.seen.deploys}
        for deploy in deploys:
            check_transition(before.get(deploy.number), deploy)
        self._changed |= {deploy.number: deploy for deploy in deploys}
        all_of_them = {deploy.number: deploy for deploy in (*self.seen.deploys, *deploys)}
        ordered = tuple(all_of_them[number] for number in sorted(all_of_them))
        self.seen = dataclasses.replace(self.seen, deploys=ordered)
        newest = max((d.number for d in deploys if d.state == "succeeded"), default=0)
        if newest > self.seen.succeeded:
            self.seen = dataclasses.replace(self.seen, succeeded=newest)

    def put_job(self, observed: ObservedJob) -> None:
        """Adds a Job that exists now; if the watcher has observed it already, its state stands."""
        if observed.key in (job.key for job in self.seen.jobs):
            return
        self._new[observed.key] = observed
        self.seen = dataclasses.replace(self.seen, jobs=(*self.seen.jobs, observed))

    def drop_jobs(self, keys: Iterable[str]) -> None:
        """Drops these Jobs (`namespace/name`), which no longer exist."""
        self._dropped |= set(keys)
        left = tuple(job for job in self.seen.jobs if job.key not in self._dropped)
        self.seen = dataclasses.replace(self.seen, jobs=left)

    def mark_deleting(self, observed: ObservedJob) -> None:
        """The Job is being deleted. That is not written here: the watcher records it."""
        jobs = tuple(
            replace(job, deleting=True) if job.uid == observed.uid else job
            for job in self.seen.jobs
        )
        self.seen = dataclasses.replace(self.seen, jobs=jobs)

    @property
    def former(self) -> tuple[str, ...]:
        """Former names of the target: labels of its Jobs may still have them."""
        return self.seen.spec.former if self.seen.spec else ()

    def repaired(self, kind: Kind, what: str) -> None:
        """Notes a repair, which is logged and counted once the draft is written."""
        self._repairs.append(Repair(kind=kind, target=self.seen.target, what=what))

    def put_slot(self, no_slot: str) -> None:
        """`no_slot` is why the target has no concurrency slot, "" if it has one."""
        self.seen = dataclasses.replace(self.seen, has_slot=not no_slot, no_slot=no_slot)

    def count_failure(self, asked: bool) -> None:
        """Cluster requests failed, or, unless `asked`, were not sent: the next try
        comes after a longer pause."""
        self._failures = max(1, self.seen.failures + int(asked))

    @property
    def frees_slot(self) -> bool:
        """Whether the release of the target frees its concurrency slot."""
        return self.seen.limited and self.seen.has_slot and not self._namespace_in_use()

    def _namespace_in_use(self) -> str:
        return next((deploy.namespace for deploy in self.seen.deploys if deploy.active), "")

    def write_if_changed(self) -> None:
        """Writes the draft if a deploy has changed since it was written last."""
        if self._changed:
            self.write()

    def release(self, due_at: int | None, trouble: str = "") -> bool:
        """Writes the changes and releases the target; False if the target changed meanwhile, and is to be read
        anew under the same lease."""
        return self.write(release=True, due_at=due_at, trouble=trouble) is RecordResult.OK

    def write(
        self, *, release: bool = False, due_at: int | None = None, trouble: str = ""
    ) -> RecordResult:
        """Writes the changes, and renews the lease unless it is
        released. Raises WriteConflict and LeaseLost."""
        asked_at = self._clock()
        answer = self._targets.record(
            self.seen,
            self._token,
            deploys=tuple(self._changed.values()),
            new_jobs=tuple(self._new.values()),
            dropped_jobs=tuple(sorted(self._dropped)),
            release=release,
            due_at=due_at,
            trouble=trouble,
            slot=self._namespace_in_use(),
            waits=bool(self.seen.no_slot),
            failures=self._failures,
        )
        if answer is RecordResult.MOVED:
            raise WriteConflict(self.seen.target)
        read = {number: stored(d) for number, d in self._changed.items()}
        self.seen = dataclasses.replace(self.seen, read={**self.seen.read, **read})
        changed = tuple(self._changed.values())
        self._changed, self._new, self._dropped = {}, {}, set()
        self.leased_at = asked_at
        self._report(changed)
        return answer

    def _report(self, written: Iterable[Deploy]) -> None:
        for deploy in written:
            if self._reported.get(deploy.number) is not deploy.state:
                record_deploy(deploy)
                self._recorded(deploy, self._reported.get(deploy.number))
            self._reported[deploy.number] = deploy.state
        if self._repairs:
            repairs, self._repairs = self._repairs, []
            record_repairs(self._noted, repairs)
