"""Git hosts: pushes that are late, repeated, reordered, forced back, to branches and tags."""

from __future__ import annotations

import hashlib

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from dispatcher.model import Push
from tests.workers.rules.base import SOME_TARGET, Made, Rules

REFS = ("refs/heads/main", "refs/heads/main", "refs/heads/next", "refs/tags/v1", "refs/tags/v2")


class Hosts(Rules):
    @rule(name=SOME_TARGET, ref=st.sampled_from(REFS), sent=st.booleans())
    def push(self, name: str, ref: str, sent: bool) -> None:
        commits = self._commits(name, ref)
        before = commits[-1] if commits else "0" * 40
        after = hashlib.sha1(f"{name} {ref} {len(self.made) + 1}".encode()).hexdigest()
        self._made(name, ref, before, after, sent)

    @precondition(lambda self: len(self.made) > 1)
    @rule(back=st.integers(2, 3))
    def push_back(self, back: int) -> None:
        """Somebody forces a branch back to an earlier commit."""
        target, ref = self.made[-1].target, self.made[-1].push.ref
        commits = self._commits(target, ref)
        late = any((made.target, made.push.ref) == (target, ref) for made in self.unsent)
        if not late and len(commits) >= back and commits[-back] != commits[-1]:
            self._made(target, ref, commits[-1], commits[-back], True)

    @precondition(lambda self: self.unsent)
    @rule(data=st.data())
    def late_delivery(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.unsent) - 1))
        self.send(self.unsent.pop(at))

    @precondition(lambda self: self.made)
    @rule(data=st.data(), anew=st.booleans())
    def repeated_delivery(self, data: st.DataObject, anew: bool) -> None:
        made = data.draw(st.sampled_from(self.made))
        if made in self.unsent or (anew and not self.timed):
            return  # the same push without a time could be another one
        self.send(made, f"{made.delivery}-{len(self.made)}" if anew else "")

    def _commits(self, target: str, ref: str) -> list[str]:
        return [m.push.after for m in self.made if (m.target, m.push.ref) == (target, ref)]

    def _made(self, target: str, ref: str, before: str, after: str, sent: bool) -> None:
        count = len(self.made) + 1
        push = Push(
            repository=f"git.example.com/acme/{target}",
            ref=ref,
            before=before,
            after=after,
            pushed_at=1_700_000_000_000 + count * 1000 if self.timed else 0,
        )
        made = Made(target, push, f"d{count}")
        self.made.append(made)
        if sent:
            self.send(made)
        else:
            self.unsent.append(made)
