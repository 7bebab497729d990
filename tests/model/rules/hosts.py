"""Git hosts: pushes that are delayed, lost, repeated, reordered, filtered or forced, to branches and tags."""

from __future__ import annotations

import hashlib
import time

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from dispatcher.domain.push import Push
from tests.model.rules.base import SOME_TARGET, HostDelivery, Rules

REFS = ("refs/heads/main", "refs/heads/main", "refs/heads/next", "refs/tags/v1", "refs/tags/v2")
YEARS = 50 * 365 * 86400_000
"""Milliseconds by which a clock can be wrong."""


class Hosts(Rules):
    time = 0

    @rule(
        name=SOME_TARGET,
        ref=st.sampled_from(REFS),
        fate=st.sampled_from(["arrives", "arrives", "delayed", "delayed", "lost"]),
        filtered=st.sampled_from(["", "", "", "skip", "paths"]),
        ahead=st.sampled_from([0, 0, 0, 0, 0, YEARS]),
    )
    def push(self, name: str, ref: str, fate: str, filtered: str = "", ahead: int = 0) -> None:
        after = hashlib.sha1(f"{name} {ref} {len(self.deliveries) + 1}".encode()).hexdigest()
        self._push(name, ref, after, fate, filtered, ahead)

    @precondition(lambda self: self.deliveries)
    @rule(ref=st.sampled_from(REFS))
    def same_commit_on_another_ref(self, ref: str) -> None:
        """A tag where a branch is, a branch that begins where another is."""
        other = self.deliveries[-1]
        if other.push.after not in self._commits(other.target, ref):
            self._push(other.target, ref, other.push.after, "arrives")

    @precondition(lambda self: len(self.deliveries) > 1)
    @rule(back=st.integers(2, 3))
    def force_push_back(self, back: int) -> None:
        """Somebody forces a branch back to an earlier commit."""
        target, ref = self.deliveries[-1].target, self.deliveries[-1].push.ref
        commits = self._commits(target, ref)
        delayed = any((each.target, each.push.ref) == (target, ref) for each in self.delayed)
        if not delayed and len(commits) >= back and commits[-back] != commits[-1]:
            self._push(target, ref, commits[-back], "arrives")

    @precondition(lambda self: self.delayed)
    @rule(data=st.data())
    def delayed_delivery(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.delayed) - 1))
        self.send(self.delayed.pop(at))

    @precondition(lambda self: self.deliveries)
    @rule(data=st.data(), new_id=st.booleans())
    def repeated_delivery(self, data: st.DataObject, new_id: bool) -> None:
        delivery = data.draw(st.sampled_from(self.deliveries))
        if delivery in self.delayed or delivery in self.lost or (new_id and not delivery.timed):
            return  # the same push without a time could be another one
        self.send(delivery, f"{delivery.id}-{len(self.deliveries)}" if new_id else "")

    def _commits(self, target: str, ref: str) -> list[str]:
        return [d.push.after for d in self.deliveries if (d.target, d.push.ref) == (target, ref)]

    def _push(
        self, name: str, ref: str, after: str, fate: str, filtered: str = "", ahead: int = 0
    ) -> None:
        commits, count = self._commits(name, ref), len(self.deliveries) + 1
        self.time = max(self.time + 1, int(time.time() * 1000))
        push = Push(
            repository=f"git.example.com/acme/{name}",
            ref=ref,
            before=commits[-1] if commits else "0" * 40,
            after=after,
            pushed_at=self.time + ahead if self.timed else 0,
        )
        delivery = HostDelivery(name, push, f"d{count}", filtered, self.timed and not ahead)
        self.deliveries.append(delivery)
        if fate == "arrives":
            self.send(delivery)
        else:
            (self.delayed if fate == "delayed" else self.lost).append(delivery)
