"""The true history of a Git host: each ref's pushes in order, and which of them arrived."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from dispatcher.domain.push import Push
from dispatcher.domain.refs import stream_of

NONE = "0" * 40
REPOSITORY = "git.example.com/acme/shop"


@dataclass(frozen=True)
class HostPush:
    """One push at the Git host."""

    number: int
    """Counts all pushes in their true order; also names the delivery."""
    ref: str
    before: str
    after: str
    commit: str
    """What is checked out: another than `after` for an annotated tag."""
    time: int
    """When it was pushed, by the host; milliseconds, 0 where the host sends no time."""
    timed: bool
    """The host sends its time, by a clock that is right."""
    filtered: str = ""
    """The filter that rejects it: `paths` or `skip`; "" for a push that is wanted."""

    @property
    def received(self) -> Push:
        """As web parses it."""
        return Push(
            repository=REPOSITORY,
            ref=self.ref,
            before=self.before,
            after=self.after,
            commit="" if self.commit == self.after else self.commit,
            pushed_at=self.time,
        )

    @property
    def deleted(self) -> bool:
        return self.after == NONE

    @property
    def wanted(self) -> bool:
        return not self.filtered and not self.deleted

    def __str__(self) -> str:
        what = f"{self.ref} {self.before[:4]}→{self.after[:4]}"
        return f"{self.number}: {what}{' ' + self.filtered if self.filtered else ''}"


@dataclass
class History:
    """`pushes` is in the order of the pushes, `arrived` in that of the deliveries."""

    pushes: list[HostPush] = field(default_factory=list)
    arrived: list[HostPush] = field(default_factory=list)
    """Each once, in the order in which web first answered 2xx."""

    def of(self, ref: str) -> list[HostPush]:
        return [push for push in self.pushes if push.ref == ref]

    def head(self, ref: str) -> str:
        """Where the ref is at the host."""
        pushes = self.of(ref)
        return pushes[-1].after if pushes else NONE

    def arrived_of(self, ref: str) -> list[HostPush]:
        """A ref's pushes in the order of arrival."""
        return [push for push in self.arrived if push.ref == ref]

    def arrived_in(self, stream: str) -> list[HostPush]:
        return [push for push in self.arrived if stream_of(push.ref) == stream]

    def positions(self, ref: str, commit: str) -> list[int]:
        """Numbers of the pushes that moved the ref to that commit."""
        return [push.number for push in self.of(ref) if push.commit == commit]


def commit_named(number: int) -> str:
    """The object name of the n-th commit."""
    return hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()
