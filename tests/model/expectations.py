"""What must become of one target's pushes, whatever goes wrong, and checks of each start against it.

If the ledger loses data, the expectations change with it: `ledger_emptied` and `ledger_rolled_back` say
what is still expected then. No loss of data excuses two Jobs of a target that run at once.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.refs import stream_of
from workers.kube import labels
from workers.kube.objects import Job


@dataclass(frozen=True)
class ExpectedEnd:
    """The deploy that must be the last one of a stream."""

    reason: Reason
    ref: str
    commit: str
    number: int
    in_cluster: bool = False
    """The ledger has lost it, and gets it back if a watcher sees its Job."""


@dataclass
class Expectations:
    """Of one target."""

    starting: dict[str, int] = field(default_factory=dict)
    """Job → when the ledger recorded its start."""
    wanted: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Ref → when its newest commit was accepted, and that commit."""
    expected_ends: dict[str, ExpectedEnd] = field(default_factory=dict)
    """Stream → the deploy that it must end with."""
    highest: dict[str, int] = field(default_factory=dict)
    """Stream → its highest number that was started."""
    paused: bool = False
    lost: bool = False
    """The ledger has lost data: it may have lost pushes, and may take late ones for new."""

    def expect(self, reason: Reason, deploy: Deploy, tick: int) -> None:
        """From now on its stream must end with this deploy."""
        self.expected_ends[deploy.stream] = ExpectedEnd(
            reason, deploy.ref, deploy.commit, deploy.number
        )
        if reason is not Reason.REDEPLOY:
            self.wanted[deploy.ref] = tick, deploy.commit

    def cancelled(self, deploy: Deploy) -> None:
        """After a cancel, the deploy before may run again, if the cluster evicts it."""
        self.wanted.pop(deploy.ref, None)

    def recorded(self, deploy: Deploy, tick: int) -> None:
        if deploy.state is State.STARTING and not deploy.uid:
            name = f"{deploy.namespace}/{deploy.job}"
            assert name in self.starting or not self.paused, f"{deploy.name} starts while paused"
            self.starting.setdefault(name, tick)

    def job_created(self, metadata: Mapping[str, Any], every: bool) -> None:
        """Newest wins: after a newer push was accepted, no older deploy starts."""
        notes, number = metadata["annotations"], int(metadata["labels"][labels.NUMBER])
        name, ref = f"{metadata['namespace']}/{metadata['name']}", notes[labels.REF]
        newest = self.highest.get(stream_of(ref), 0)
        assert number >= newest, f"{name} starts after number {newest}"
        self.highest[stream_of(ref)] = number
        if notes[labels.REASON] == Reason.REDEPLOY or every or ref not in self.wanted:
            return
        decided, commit = self.wanted[ref]
        if notes[labels.COMMIT] != commit:
            assert self.starting[name] <= decided, f"{name} starts an older commit"

    # The ledger loses what it knew

    def ledger_emptied(self) -> None:
        """The ledger was emptied: Jobs in the cluster go on, and pushes count from now on."""
        self.__init__(lost=True)  # type: ignore[misc]

    def copied(self) -> Expectations:
        return copy.deepcopy(self)

    def ledger_rolled_back(self, backup: Expectations, jobs: Mapping[str, Job]) -> None:
        """The ledger was rolled back to `backup`. Of later deploys it gets back only those that have a Job,
        before which no older deploy of their stream may start."""
        self.__init__(**vars(backup.copied()))  # type: ignore[misc]
        self.lost, self.starting = True, {}
        for job in jobs.values():
            self._found(job)

    def _found(self, job: Job) -> None:
        notes, number = job.metadata.annotations, int(job.metadata.labels[labels.NUMBER])
        if labels.NAME_RESERVATION in job.metadata.labels or job.metadata.deletion_timestamp:
            return
        ref, commit = notes[labels.REF], notes[labels.COMMIT]
        end = self.expected_ends.get(stream_of(ref))
        if end and number < end.number:
            return
        self.wanted.pop(ref, None)
        reason = Reason(notes[labels.REASON])
        self.expected_ends[stream_of(ref)] = ExpectedEnd(
            reason, ref, commit, number, in_cluster=True
        )
