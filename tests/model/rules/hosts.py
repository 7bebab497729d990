"""Git hosts: pushes that are late, lost, repeated, reordered, filtered, forced back, to branches and tags."""

from __future__ import annotations

import hashlib
import time

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from dispatcher.domain.push import Push
from tests.model.rules.base import SOME_TARGET, Made, Rules

REFS = ("refs/heads/main", "refs/heads/main", "refs/heads/next", "refs/tags/v1", "refs/tags/v2")
YEARS = 50 * 365 * 86400_000
"""Milliseconds by which a clock can be wrong."""


class Hosts(Rules):
    time = 0

    @rule(
        name=SOME_TARGET,
        ref=st.sampled_from(REFS),
        fate=st.sampled_from(["arrives", "arrives", "late", "late", "lost"]),
        filtered=st.sampled_from(["", "", "", "skip", "paths"]),
        ahead=st.sampled_from([0, 0, 0, 0, 0, YEARS]),
    )
    def push(self, name: str, ref: str, fate: str, filtered: str = "", ahead: int = 0) -> None:
        after = hashlib.sha1(f"{name} {ref} {len(self.made) + 1}".encode()).hexdigest()
        self._made(name, ref, after, fate, filtered, ahead)

    @precondition(lambda self: self.made)
    @rule(ref=st.sampled_from(REFS))
    def another_ref_on_a_commit(self, ref: str) -> None:
        """A tag where a branch is, a branch that begins where another is."""
        other = self.made[-1]
        if other.push.after not in self._commits(other.target, ref):
            self._made(other.target, ref, other.push.after, "arrives")

    @precondition(lambda self: len(self.made) > 1)
    @rule(back=st.integers(2, 3))
    def push_back(self, back: int) -> None:
        """Somebody forces a branch back to an earlier commit."""
        target, ref = self.made[-1].target, self.made[-1].push.ref
        commits = self._commits(target, ref)
        late = any((made.target, made.push.ref) == (target, ref) for made in self.unsent)
        if not late and len(commits) >= back and commits[-back] != commits[-1]:
            self._made(target, ref, commits[-back], "arrives")

    @precondition(lambda self: self.unsent)
    @rule(data=st.data())
    def late_delivery(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.unsent) - 1))
        self.send(self.unsent.pop(at))

    @precondition(lambda self: self.made)
    @rule(data=st.data(), anew=st.booleans())
    def repeated_delivery(self, data: st.DataObject, anew: bool) -> None:
        made = data.draw(st.sampled_from(self.made))
        if made in self.unsent or made in self.lost or (anew and not made.trusted):
            return  # the same push without a time could be another one
        self.send(made, f"{made.delivery}-{len(self.made)}" if anew else "")

    def _commits(self, target: str, ref: str) -> list[str]:
        return [m.push.after for m in self.made if (m.target, m.push.ref) == (target, ref)]

    def _made(
        self, name: str, ref: str, after: str, fate: str, filtered: str = "", ahead: int = 0
    ) -> None:
        commits, count = self._commits(name, ref), len(self.made) + 1
        self.time = max(self.time + 1, int(time.time() * 1000))
        push = Push(
            repository=f"git.example.com/acme/{name}",
            ref=ref,
            before=commits[-1] if commits else "0" * 40,
            after=after,
            pushed_at=self.time + ahead if self.timed else 0,
        )
        made = Made(name, push, f"d{count}", filtered, self.timed and not ahead)
        self.made.append(made)
        if fate == "arrives":
            self.send(made)
        else:
            (self.unsent if fate == "late" else self.lost).append(made)
