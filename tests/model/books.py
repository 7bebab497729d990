"""What one target was promised, and whether it is kept: as of any moment, whatever goes wrong.

Where the ledger loses what it knew, it forgets who was promised what; the books then forget it too. What is
still promised is said at `forget` and `go_back`. That no two Jobs of a target run at once is promised always.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.stream import stream_of
from workers.kube import labels
from workers.kube.objects import Job


@dataclass(frozen=True)
class Word:
    """What a stream is to end at."""

    reason: Reason
    ref: str
    commit: str
    number: int
    in_cluster: bool = False
    """The ledger has forgotten it, and knows it again if a watcher sees its Job."""


@dataclass
class Books:
    starting: dict[str, int] = field(default_factory=dict)
    """Job → when it was recorded that it starts."""
    wanted: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Ref → when its newest commit was taken, and that commit."""
    last_word: dict[str, Word] = field(default_factory=dict)
    """By stream."""
    highest: dict[str, int] = field(default_factory=dict)
    """Stream → the newest number of it that was started."""
    paused: bool = False
    lost: bool = False
    """The ledger has lost something: hosts' pushes can be forgotten, and late ones taken for new."""

    def say(self, reason: Reason, deploy: Deploy, tick: int) -> None:
        """This deploy is what its stream is to end at."""
        self.last_word[deploy.stream] = Word(reason, deploy.ref, deploy.commit, deploy.number)
        if reason is not Reason.REDEPLOY:
            self.wanted[deploy.ref] = tick, deploy.commit

    def cancelled(self, deploy: Deploy) -> None:
        """Somebody took it back: what ran before may run again, should the cluster take it away."""
        self.wanted.pop(deploy.ref, None)

    def recorded(self, deploy: Deploy, tick: int) -> None:
        if deploy.state is State.STARTING and not deploy.uid:
            name = f"{deploy.namespace}/{deploy.job}"
            assert name in self.starting or not self.paused, f"{deploy.name} starts while paused"
            self.starting.setdefault(name, tick)

    def job_created(self, metadata: Mapping[str, Any], every: bool) -> None:
        """Newest wins: once a newer push was taken, no older deploy starts."""
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

    def forget(self) -> None:
        """It was emptied. What is in the cluster goes on, and what is pushed from now on counts."""
        self.__init__(lost=True)  # type: ignore[misc]

    def copied(self) -> Books:
        return copy.deepcopy(self)

    def go_back(self, then: Books, there: Mapping[str, Job]) -> None:
        """It knows what it knew then. Of what has come since only what has a Job is known again: no
        older deploy of its stream starts any more."""
        self.__init__(**vars(then.copied()))  # type: ignore[misc]
        self.lost, self.starting = True, {}
        for job in there.values():
            self._found(job)

    def _found(self, job: Job) -> None:
        notes, number = job.metadata.annotations, int(job.metadata.labels[labels.NUMBER])
        if labels.NAME_RESERVATION in job.metadata.labels or job.metadata.deletion_timestamp:
            return
        ref, commit = notes[labels.REF], notes[labels.COMMIT]
        word = self.last_word.get(stream_of(ref))
        if word and number < word.number:
            return
        self.wanted.pop(ref, None)
        reason = Reason(notes[labels.REASON])
        self.last_word[stream_of(ref)] = Word(reason, ref, commit, number, in_cluster=True)
