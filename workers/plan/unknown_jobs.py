"""Adopts Jobs of ours whose deploys the ledger has lost: each gets a deploy, which ends like any other."""

from __future__ import annotations

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.refs import stream_of
from dispatcher.domain.repairs import Kind
from dispatcher.domain.snapshot import Snapshot
from workers.plan.changed_deploy import ended, found, renumbered
from workers.plan.lookup import waiting_deploys
from workers.plan.steps import Change, Step


def adopt_unknown(seen: Snapshot) -> Step | None:
    known = {deploy.number: deploy for deploy in seen.deploys}
    for observed in filter(_is_of_a_deploy, seen.jobs):
        holder = known.get(observed.number)
        if holder is None or _is_job_of(observed, holder):
            others = _superseded_by(seen, observed)
        elif not holder.attempt and holder.state is State.PENDING:
            others = _moved_up(seen, holder)
        else:
            continue
        return Change((found(seen.target, observed), *others), repair=Kind.UNKNOWN_JOB)
    return None


def _is_of_a_deploy(observed: ObservedJob) -> bool:
    there = not (observed.gone or observed.deleting)
    return there and not observed.reserves_name and bool(observed.number and observed.token)


def _moved_up(seen: Snapshot, first: Deploy) -> list[Deploy]:
    """A Job has the number of this deploy. The deploy takes the number of the next one of its stream, that one
    the number of the one after it, and so on: they keep their order."""
    line = [
        deploy
        for deploy in waiting_deploys(seen)
        if deploy.stream == first.stream and deploy.number >= first.number and not deploy.attempt
    ]
    newest = max(seen.seq, *(deploy.number for deploy in seen.deploys))
    numbers = [deploy.number for deploy in line[1:]] + [newest + 1]
    return [renumbered(deploy, number) for deploy, number in zip(line, numbers, strict=True)]


def _is_job_of(observed: ObservedJob, waiting: Deploy) -> bool:
    """The ledger was rolled back: after the state that it remembers, this deploy was started, perhaps with a
    newer commit."""
    if waiting.attempt or waiting.state is not State.PENDING:
        return False
    same = (waiting.ref, waiting.commit) == (observed.ref, observed.commit)
    return same or _is_older(waiting, observed)


def _is_older(waiting: Deploy, observed: ObservedJob) -> bool:
    return waiting.stream == stream_of(observed.ref) and waiting.wanted_at < observed.wanted_at


def _superseded_by(seen: Snapshot, observed: ObservedJob) -> list[Deploy]:
    """Waiting deploys of an older commit: before the ledger was rolled back, each had run or was superseded."""
    why = f"a newer commit runs: {seen.target}/{observed.number}"
    return [
        replace(ended(deploy, State.SUPERSEDED, seen.now, why), superseded_by=observed.number)
        for deploy in waiting_deploys(seen)
        if deploy.number != observed.number and _is_older(deploy, observed)
    ]
