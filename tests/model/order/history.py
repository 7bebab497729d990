"""What really happened at a Git host: each ref's pushes in their true order, and which of them arrived."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from dispatcher.domain.push import Push
from dispatcher.domain.refs import stream_of

NONE = "0" * 40
REPOSITORY = "git.example.com/acme/shop"


@dataclass(frozen=True)
class Made:
    """One push as it was made."""

    number: int
    """Of all pushes, in the order in which they were made; also names its delivery."""
    ref: str
    before: str
    after: str
    commit: str
    """What is checked out: another than `after` for an annotated tag."""
    time: int
    """What the host says about when, in milliseconds; 0 where it says nothing."""
    trusted: bool
    """The host says when, and its clock is right."""
    filtered: str = ""
    """What turns it away: `paths`, `skip`, or "" for a push that is wanted."""

    @property
    def push(self) -> Push:
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
    """All of it. `made` is in the order of the pushes, `arrived` in that of the deliveries."""

    made: list[Made] = field(default_factory=list)
    arrived: list[Made] = field(default_factory=list)
    """Each once, as it was answered 2xx first."""

    def of(self, ref: str) -> list[Made]:
        return [made for made in self.made if made.ref == ref]

    def head(self, ref: str) -> str:
        """Where the ref is at the host."""
        pushes = self.of(ref)
        return pushes[-1].after if pushes else NONE

    def heard(self, ref: str) -> list[Made]:
        """What has arrived of a ref, in the order of arrival."""
        return [made for made in self.arrived if made.ref == ref]

    def heard_in(self, stream: str) -> list[Made]:
        return [made for made in self.arrived if stream_of(made.ref) == stream]

    def positions(self, ref: str, commit: str) -> list[int]:
        """The pushes with which the ref came to be at that commit, by number."""
        return [made.number for made in self.of(ref) if made.commit == commit]


def commit_named(number: int) -> str:
    """A commit's object name, for the n-th that was made."""
    return hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()
