"""A snapshot that is being worked on: what was read, and what is to be written over it.

What becomes of deploys is logged after it was written, and never before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.transitions import check_transition
from dispatcher.ledger import Recorded, Repairs, Targets
from workers.recorder import record_deploy, record_repairs


class WriteConflict(Exception):  # no error: something happened meanwhile, look again
    """A deploy has changed since it was read; nothing was written."""


class Draft:
    """One worker's hold on one target. Changes show at once, and are written when it matters."""

    def __init__(
        self,
        targets: Targets,
        noted: Repairs,
        token: str,
        seen: Snapshot,
        clock: Callable[[], float],
        leased_at: float,
    ) -> None:
        self._targets, self._noted = targets, noted
        self._token, self._clock = token, clock
        self.seen = seen
        self.leased_at = leased_at
        """When the lease was asked for or renewed last, by the worker's own clock (s)."""
        self.live_pods: int | None = None
        self._changed: dict[int, Deploy] = {}
        self._new: dict[str, ObservedJob] = {}
        self._dropped: set[str] = set()
        self._vain = 0
        self._reported = {deploy.number: deploy.state for deploy in seen.deploys}
        self._repairs: list[Repair] = []

    def put(self, deploys: Iterable[Deploy]) -> None:
        """These deploys are now so. Raises IllegalTransition for a bug."""
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
        """This Job is there now; what the watcher has observed of it stands."""
        name = _field(observed)
        if name in map(_field, self.seen.jobs):
            return
        self._new[name] = observed
        self.seen = dataclasses.replace(self.seen, jobs=(*self.seen.jobs, observed))

    def drop_jobs(self, names: Iterable[str]) -> None:
        """These Jobs (`namespace/name`) are no longer there."""
        self._dropped |= set(names)
        left = tuple(job for job in self.seen.jobs if _field(job) not in self._dropped)
        self.seen = dataclasses.replace(self.seen, jobs=left)

    def mark_deleting(self, observed: ObservedJob) -> None:
        """The Job was told to go; the ledger hears that from the watcher."""
        jobs = tuple(
            replace(job, deleting=True) if job.uid == observed.uid else job
            for job in self.seen.jobs
        )
        self.seen = dataclasses.replace(self.seen, jobs=jobs)

    @property
    def former(self) -> tuple[str, ...]:
        """Names that the target had: labels may still say them."""
        return self.seen.spec.former if self.seen.spec else ()

    def repaired(self, kind: Kind, what: str) -> None:
        """Something was put right: logged and counted once all is written."""
        self._repairs.append(Repair(kind=kind, target=self.seen.target, what=what))

    def put_slot(self, no_slot: str) -> None:
        """The target has its concurrency slot, or this is why it has none."""
        self.seen = dataclasses.replace(self.seen, has_slot=not no_slot, no_slot=no_slot)

    def put_failed_look(self, asked: bool) -> None:
        """The cluster has not done what it was asked for, or was not even asked: the next look comes later."""
        self._vain = max(1, self.seen.vain + int(asked))

    @property
    def frees_slot(self) -> bool:
        """Whether its concurrency slot is free once it is let go."""
        return self.seen.limited and self.seen.has_slot and not self._namespace_in_use()

    def _namespace_in_use(self) -> str:
        return next((deploy.namespace for deploy in self.seen.deploys if deploy.active), "")

    def write(self) -> None:
        """Writes what has changed and keeps the lease. Raises WriteConflict and LeaseLost."""
        self._record(release=False, due_at=None, trouble="")

    def save(self) -> None:
        """The same, if a deploy has changed since it was written last."""
        if self._changed:
            self.write()

    def release(self, due_at: int | None, trouble: str = "") -> bool:
        """Writes what has changed and lets the target go; False if something has happened meanwhile,
        and it is to be looked at again under the same lease."""
        return self._record(release=True, due_at=due_at, trouble=trouble) is Recorded.OK

    def _record(self, *, release: bool, due_at: int | None, trouble: str) -> Recorded:
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
            vain=self._vain,
        )
        if answer is Recorded.MOVED:
            raise WriteConflict(self.seen.target)
        read = {number: msgspec.json.encode(d).decode() for number, d in self._changed.items()}
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
            self._reported[deploy.number] = deploy.state
        repairs, self._repairs = self._repairs, []
        record_repairs(self._noted, repairs)


def _field(observed: ObservedJob) -> str:
    return f"{observed.namespace}/{observed.job}"
