"""What is kept of a delivery: from how it came and what is planned for it to a record of the trail.

Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict
from uuid import uuid4

from dispatcher.domain.model import Push, Result
from dispatcher.ledger import Bounds, Entry, Record, Slot, Step, Submission, Updated


def _name() -> str:
    """Short, since people type it."""
    return uuid4().hex[:12]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """That a delivery comes once more, from the trail."""

    of: str
    """The entry that is replayed."""
    first_at: int
    """When the delivery came that was replayed first, in milliseconds."""
    by: str
    note: str


NO_REPLAY = Replay(of="", first_at=0, by="", note="")


@dataclass(frozen=True, kw_only=True)
class Came:
    """A delivery as it came."""

    hook: str
    provider: str
    headers: tuple[tuple[str, str], ...]
    """Only those that the provider's parser reads."""
    body: bytes = field(repr=False)
    whole: bool = True
    """Whether the body is worth to be kept: not that of a delivery which is too large for its hook."""
    name: str = field(default_factory=_name)
    """Of its entry in the trail."""
    replay: Replay | None = None

    def delivery(self, sent: str) -> str:
        """The id for its deploys: what the host sent, or one made up. A replay has one of its own, since it
        is no repetition."""
        return f"replay-{self.name}" if self.replay else sent or f"none-{uuid4()}"


Planned: TypeAlias = Submission | Result
"""One push for one target: for the ledger to decide, or decided."""


def placed(steps: Iterable[Planned], came: Came, bounds: Bounds) -> tuple[Planned, ...]:
    """The same, each with the place where its answer is kept."""
    entry = came.name if bounds.keep else ""
    replay = came.replay or NO_REPLAY
    return tuple(
        dataclasses.replace(
            step,
            slot=Slot(entry, number, bounds.keep_for),
            replays=replay.first_at,
            by=replay.by,
            note=replay.note,
        )
        if isinstance(step, Submission)
        else step
        for number, step in enumerate(steps)
    )


class About(TypedDict):
    """What a delivery turned out to be, in the words of its entry."""

    delivery: str
    event: str
    repository: str
    reason: str
    refused: str
    secret: str


def record_of(
    came: Came, about: About, pushes: Iterable[Push], steps: Iterable[Planned], bounds: Bounds
) -> Record:
    """What is put into the trail."""
    replay = came.replay or NO_REPLAY
    entry = Entry(
        id=came.name,
        hook=came.hook,
        provider=came.provider,
        refs=tuple(Updated(ref=p.ref, before=p.before, after=p.after) for p in pushes),
        steps=tuple(map(_step, steps)),
        headers=came.headers,
        whole=came.whole,
        replay_of=replay.of,
        first_at=replay.first_at,
        by=replay.by,
        note=replay.note,
        **about,
    )
    return Record.of(entry, came.body, bounds)


def _step(step: Planned) -> Step:
    if isinstance(step, Result):
        return Step(
            target=step.target, ref=step.ref, commit=step.commit, decided=True, reason=step.reason
        )
    push = step.push
    return Step(
        target=step.target,
        ref=push.ref,
        commit=push.commit or push.after,
        reason=step.filtered,
        unsure=step.unsure,
    )
