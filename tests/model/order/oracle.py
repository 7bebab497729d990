"""The test oracle: which commits must be deployed, from the true history and not from the ledger's decisions.

Where the deliveries alone cannot show which of two pushes is newer, it expects nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.refs import TAGS
from tests.model.order.history import NONE, History, HostPush


def in_order(arrived: Sequence[HostPush]) -> bool:
    """Whether they arrived in the order of the pushes."""
    return all(first.number < then.number for first, then in pairwise(arrived))


def have_times(arrived: Sequence[HostPush]) -> bool:
    """Whether each carries a right time, and no two the same."""
    by_number = sorted(arrived, key=lambda push: push.number)
    return all(push.timed for push in arrived) and all(
        first.time < then.time for first, then in pairwise(by_number)
    )


def order_is_known(history: History, ref: str) -> bool:
    """Whether the order of a branch's pushes follows from the deliveries, once all of them have arrived."""
    arrived = history.arrived_of(ref)
    if have_times(arrived):
        return True
    if has_ambiguous_cycle(history, ref):
        return False
    if in_order(arrived):
        return True
    if _revisits_a_commit(history.of(ref)):
        return False
    runs = _runs(history.of(ref), arrived)
    return all(
        have_times([*older, *newer]) or _all_arrived_before(arrived, older, newer)
        for at, older in enumerate(runs)
        for newer in runs[at + 1 :]
    )


def has_ambiguous_cycle(history: History, ref: str) -> bool:
    """Whether the ref was at a commit twice and a push is missing: without times its order is ambiguous.
    0→a, c→0 and 0→c fit two histories, one that begins with c and one that ends with it."""
    pushes, arrived = history.of(ref), history.arrived_of(ref)
    last = max((push.number for push in arrived), default=-1)
    missing = [push for push in pushes if push.number < last and push not in arrived]
    return bool(missing) and _revisits_a_commit(pushes) and not have_times(arrived)


def _revisits_a_commit(pushes: Sequence[HostPush]) -> bool:
    """Whether it was forced back, or deleted and created again: then the edges between commits form a cycle."""
    been = [pushes[0].before, *(push.after for push in pushes)]
    return len(set(been)) < len(been)


def _runs(pushes: Sequence[HostPush], arrived: Sequence[HostPush]) -> list[list[HostPush]]:
    """The pushes of a branch that arrived, as runs without a gap: between two runs a push is missing."""
    runs: list[list[HostPush]] = [[]]
    for push in pushes:
        if push in arrived:
            runs[-1].append(push)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _all_arrived_before(
    arrived: Sequence[HostPush], older: Sequence[HostPush], newer: Sequence[HostPush]
) -> bool:
    return max(map(arrived.index, older)) < min(map(arrived.index, newer))


def hides_a_gap(history: History, push: HostPush) -> bool:
    """Whether a path filter rejects the push although the push right before it has not arrived."""
    arrived = history.arrived_of(push.ref)
    known = max(arrived, key=lambda other: other.number, default=None)
    if push.filtered != "paths" or known is None or known.number > push.number:
        return False
    return known.after not in (push.before, push.after)


@dataclass(frozen=True)
class DeployHistory:
    """The deploys in the order of their starts, and what explains them."""

    started: Sequence[Deploy]
    let_through: frozenset[int]
    """Numbers of filtered pushes that count as wanted: see `hides_a_gap`."""
    redeployed: frozenset[tuple[str, str]]
    """Ref and commit of each redeploy by an operator: it overrides earlier pushes."""

    def was_redeployed(self, ref: str) -> bool:
        return any(name == ref for name, _ in self.redeployed)


class Oracle:
    """Raises AssertionError for a deploy that is wrong or missing."""

    def __init__(self, history: History, every: bool) -> None:
        self.history, self.every = history, every

    def newest_last(self, ref: str, deploys: DeployHistory) -> None:
        """A branch's last deploy is of its newest wanted push, or of a newer commit of the branch."""
        arrived = [push for push in self.history.arrived_of(ref) if self._counts(push, deploys)]
        if not arrived or not order_is_known(self.history, ref):
            return
        newest = max(push.number for push in arrived)
        deleted = any(m.deleted and m.number > newest for m in self.history.arrived_of(ref))
        if deleted:
            return
        of_ref = [deploy for deploy in deploys.started if deploy.ref == ref]
        assert of_ref, f"{ref} was never deployed, though push {newest} was accepted"
        reached = self._position(of_ref[-1])
        assert reached >= newest, f"{ref} ended at push {reached}, though {newest} was accepted"

    def never_goes_back(self, ref: str, deploys: DeployHistory) -> None:
        """No push of a branch is deployed after a newer one, where the order was known at every moment."""
        arrived = self.history.arrived_of(ref)
        if not have_times(arrived) and (
            not in_order(arrived) or has_ambiguous_cycle(self.history, ref)
        ):
            return
        of_ref = [deploy for deploy in deploys.started if deploy.ref == ref]
        for first, then in pairwise(of_ref):
            older = self.history.positions(ref, first.commit)[0]
            assert self._position(then) >= older, f"{then.name} takes {ref} back from {first.name}"

    def no_replay_goes_back(self, deploys: DeployHistory) -> None:
        """No replay deploys an older commit of a ref after a newer one or after a redeploy."""
        last: dict[str, Deploy] = {}
        for deploy in deploys.started:
            before = last.get(deploy.ref)
            redeployed = (deploy.ref, deploy.commit) in deploys.redeployed
            if deploy.came_at and before and not redeployed:
                older = self.history.positions(deploy.ref, before.commit)[0]
                reached = self._position(deploy)
                assert reached >= older, f"a replay takes {deploy.ref} back from {before.name}"
            last[deploy.ref] = deploy

    def newest_tag_last(self, deploys: DeployHistory) -> None:
        """Where tags are merged, the last deploy is of the newest wanted tag, or of a newer one."""
        arrived = self.history.arrived_in(TAGS)
        wanted = [push for push in arrived if push.wanted]
        if not wanted or any(push.deleted for push in arrived):
            return
        refs = {push.ref for push in arrived}
        ambiguous = any(has_ambiguous_cycle(self.history, ref) for ref in refs)
        if not have_times(arrived) and (not in_order(arrived) or ambiguous):
            return
        newest = max(wanted, key=lambda push: push.number)
        of_tags = [deploy for deploy in deploys.started if deploy.stream == TAGS]
        assert of_tags, f"no tag was deployed, though {newest} was accepted"
        last = of_tags[-1]
        reached = self._position(last)
        assert reached >= newest.number, f"tags ended at {last.ref}, though {newest} was accepted"

    def every_push_is_deployed(self, deploys: DeployHistory) -> None:
        """With `on_new_push: every` each push has a deploy, unless a newer push of its ref arrived earlier."""
        deployed = {(deploy.ref, deploy.commit) for deploy in deploys.started}
        for at, push in enumerate(self.history.arrived):
            earlier = [m for m in self.history.arrived[:at] if m.ref == push.ref]
            late = any(other.number > push.number for other in earlier)
            known = not deploys.was_redeployed(push.ref) and not has_ambiguous_cycle(
                self.history, push.ref
            )
            if push.wanted and not late and known:
                assert (push.ref, push.commit) in deployed, f"{push} has no deploy of its own"

    def _counts(self, push: HostPush, deploys: DeployHistory) -> bool:
        return push.wanted or (push.number in deploys.let_through and push.after != NONE)

    def _position(self, deploy: Deploy) -> int:
        found = self.history.positions(deploy.ref, deploy.commit)
        assert found, f"{deploy.name} deploys a commit where {deploy.ref} never was"
        return found[-1]
