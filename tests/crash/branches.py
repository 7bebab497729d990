"""What a Git host knows of its branches: what was pushed in which order, and what was answered when.

Times are milliseconds since the epoch, by this machine's clock, which is also that of Redis and the containers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from tests.system.installation import ZERO


def now() -> float:
    return time.time() * 1000


@dataclass
class Sent:
    """One push."""

    place: int
    """Where it stands among the pushes of its branch."""
    before: str
    after: str
    delivery: str
    pushed_at: int
    sent: float = math.inf
    answered: float = math.inf
    """When its first answer with 2xx was there."""
    outcome: str = ""
    deploy: str = ""

    @property
    def number(self) -> int:
        """Of the deploy that it went to; 0 for none."""
        return int(self.deploy.rpartition("/")[2] or 0)


@dataclass
class Branch:
    """One branch of a target's repository: the truth that a deploy is compared with."""

    ref: str
    pushes: list[Sent] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.pushes[-1].after if self.pushes else ZERO

    def move(self, commit: str, delivery: str, *, dated: bool) -> Sent:
        """Somebody pushed: the branch is at this commit from now on."""
        pushed_at = int(now()) if dated else 0
        made = Sent(len(self.pushes), self.head, commit, delivery, pushed_at)
        self.pushes.append(made)
        return made

    def places(self, commit: str) -> list[int]:
        """Where the commit was the head: more than once, where the branch was forced back to it."""
        return [push.place for push in self.pushes if push.after == commit]

    def answered_by(self, moment: float, cancelled: Set[int]) -> int:
        """The place of the newest push whose answer was there at a moment; -1 for none.

        Those whose deploy somebody cancelled don't count: what was at it before may go on. Nor do those that
        were answered as stale: what they were stale by counts for itself, unless it was cancelled.
        """
        asked = (push for push in self.pushes if push.outcome != "stale")
        wanted = (push for push in asked if push.number not in cancelled)
        return max((push.place for push in wanted if push.answered < moment), default=-1)

    def newest_of(self, commit: str, moment: float) -> int | None:
        """The newest place that a commit had been sent for at a moment; None: nobody knew it yet."""
        sent = [p.place for p in self.pushes if p.after == commit and p.sent < moment]
        return max(sent, default=None)

    def out_of_order(self, commits: Iterable[str]) -> list[str]:
        """Of commits in the order in which they ran: each that the branch had left before the one before it."""
        at, wrong = 0, []
        for commit in commits:
            later = [place for place in self.places(commit) if place >= at]
            if later:
                at = later[0]
            else:
                wrong.append(commit)
        return wrong
