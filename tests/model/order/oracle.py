"""The test oracle: which commits must be deployed, from the true history and not from the ledger's decisions.

Where the deliveries alone cannot show which of two pushes is newer, it demands nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.refs import TAGS
from tests.model.order.history import NONE, History, Made


def in_order(heard: Sequence[Made]) -> bool:
    """Each arrived before whatever was pushed after it."""
    return all(first.number < then.number for first, then in pairwise(heard))


def timed(heard: Sequence[Made]) -> bool:
    """The host says of each when it was pushed, and of no two the same."""
    by_number = sorted(heard, key=lambda made: made.number)
    return all(made.trusted for made in heard) and all(
        first.time < then.time for first, then in pairwise(by_number)
    )


def clear(history: History, ref: str) -> bool:
    """Whether the deliveries tell in which order a branch's pushes were made, once all of them are in."""
    heard = history.heard(ref)
    if timed(heard):
        return True
    if goes_round(history, ref):
        return False
    if in_order(heard):
        return True
    if _was_somewhere_twice(history.of(ref)):
        return False
    runs = _runs(history.of(ref), heard)
    return all(
        timed([*older, *newer]) or _all_before(heard, older, newer)
        for at, older in enumerate(runs)
        for newer in runs[at + 1 :]
    )


def goes_round(history: History, ref: str) -> bool:
    """The ref was somewhere twice, and a push is missing: without times it could have been the other way round.
    0→a, then c→0 and 0→c, is what is left of two pasts: with c the first, or the last."""
    pushes, heard = history.of(ref), history.heard(ref)
    last = max((made.number for made in heard), default=-1)
    missing = [made for made in pushes if made.number < last and made not in heard]
    return bool(missing) and _was_somewhere_twice(pushes) and not timed(heard)


def _was_somewhere_twice(pushes: Sequence[Made]) -> bool:
    """Forced back, or deleted: then the edges between the commits go round in circles."""
    been = [pushes[0].before, *(made.after for made in pushes)]
    return len(set(been)) < len(been)


def _runs(pushes: Sequence[Made], heard: Sequence[Made]) -> list[list[Made]]:
    """What arrived of a branch, in pieces that hang together: between two of them something is missing."""
    runs: list[list[Made]] = [[]]
    for made in pushes:
        if made in heard:
            runs[-1].append(made)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _all_before(heard: Sequence[Made], older: Sequence[Made], newer: Sequence[Made]) -> bool:
    return max(map(heard.index, older)) < min(map(heard.index, newer))


def hides_a_gap(history: History, made: Made) -> bool:
    """What paths turn away although, as it arrives, nobody knows what was pushed right before it."""
    heard = history.heard(made.ref)
    known = max(heard, key=lambda other: other.number, default=None)
    if made.filtered != "paths" or known is None or known.number > made.number:
        return False
    return known.after not in (made.before, made.after)


@dataclass(frozen=True)
class Ran:
    """What was deployed, in the order of the starts; and what else the ledger says it did."""

    started: Sequence[Deploy]
    let_through: frozenset[int]
    """Numbers of pushes that count as wanted: see `hides_a_gap`."""
    asked_for: frozenset[tuple[str, str]]
    """Refs, each with a commit of it that an operator has deployed: it counts more than what came before."""

    def was_touched(self, ref: str) -> bool:
        return any(name == ref for name, _ in self.asked_for)


class Oracle:
    """Raises AssertionError for what is not as it should be."""

    def __init__(self, history: History, every: bool) -> None:
        self.history, self.every = history, every

    def newest_last(self, ref: str, ran: Ran) -> None:
        """The newest wanted push of a branch was deployed, or something newer of the branch, and last."""
        heard = [made for made in self.history.heard(ref) if self._counts(made, ran)]
        if not heard or not clear(self.history, ref):
            return
        newest = max(made.number for made in heard)
        deleted = any(m.deleted and m.number > newest for m in self.history.heard(ref))
        if deleted:
            return
        of_ref = [deploy for deploy in ran.started if deploy.ref == ref]
        assert of_ref, f"{ref} was never deployed, though {newest} was taken"
        reached = self._position(of_ref[-1])
        assert reached >= newest, f"{ref} ended at push {reached}, though {newest} was taken"

    def never_back(self, ref: str, ran: Ran) -> None:
        """No push of a branch is deployed after a newer one of it, where that could be known at any time."""
        heard = self.history.heard(ref)
        if not timed(heard) and (not in_order(heard) or goes_round(self.history, ref)):
            return
        of_ref = [deploy for deploy in ran.started if deploy.ref == ref]
        for first, then in pairwise(of_ref):
            older = self.history.positions(ref, first.commit)[0]
            assert self._position(then) >= older, f"{then.name} takes {ref} back from {first.name}"

    def no_replay_back(self, ran: Ran) -> None:
        """What is replayed takes no ref back, also not from where an operator has put it."""
        last: dict[str, Deploy] = {}
        for deploy in ran.started:
            before = last.get(deploy.ref)
            asked = (deploy.ref, deploy.commit) in ran.asked_for
            if deploy.came_at and before and not asked:
                older = self.history.positions(deploy.ref, before.commit)[0]
                reached = self._position(deploy)
                assert reached >= older, f"a replay takes {deploy.ref} back from {before.name}"
            last[deploy.ref] = deploy

    def newest_tag_last(self, ran: Ran) -> None:
        """Where tags are merged, the newest wanted one was deployed last, or one that is newer."""
        heard = self.history.heard_in(TAGS)
        wanted = [made for made in heard if made.wanted]
        if not wanted or any(made.deleted for made in heard):
            return
        refs = {made.ref for made in heard}
        round_ = any(goes_round(self.history, ref) for ref in refs)
        if not timed(heard) and (not in_order(heard) or round_):
            return
        newest = max(wanted, key=lambda made: made.number)
        of_tags = [deploy for deploy in ran.started if deploy.stream == TAGS]
        assert of_tags, f"no tag was deployed, though {newest} was taken"
        last = of_tags[-1]
        reached = self._position(last)
        assert reached >= newest.number, f"tags ended at {last.ref}, though {newest} was taken"

    def each_one(self, ran: Ran) -> None:
        """Where every push counts, each has a deploy; what came late to a branch is in a newer one's."""
        deployed = {(deploy.ref, deploy.commit) for deploy in ran.started}
        for at, made in enumerate(self.history.arrived):
            earlier = [m for m in self.history.arrived[:at] if m.ref == made.ref]
            late = any(other.number > made.number for other in earlier)
            known = not ran.was_touched(made.ref) and not goes_round(self.history, made.ref)
            if made.wanted and not late and known:
                assert (made.ref, made.commit) in deployed, f"{made} has no deploy of its own"

    def _counts(self, made: Made, ran: Ran) -> bool:
        return made.wanted or (made.number in ran.let_through and made.after != NONE)

    def _position(self, deploy: Deploy) -> int:
        found = self.history.positions(deploy.ref, deploy.commit)
        assert found, f"{deploy.name} deploys a commit where {deploy.ref} never was"
        return found[-1]
