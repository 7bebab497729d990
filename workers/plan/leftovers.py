"""Jobs that have no business in the cluster: orphaned ones, and what deploys leave behind."""

from __future__ import annotations

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.stream import stream_of
from workers.plan.deploys import ended, found, renumbered
from workers.plan.queries import (
    field,
    finished,
    is_given_up,
    is_own,
    policies_of,
    waiting_deploys,
)
from workers.plan.steps import Change, Delete, Step
from workers.plan.times import DELETE_AGAIN, RESERVATION_AGE, kept_until


def orphaned(seen: Snapshot) -> Step | None:
    for observed in seen.jobs:
        if observed.gone or observed.deleting:
            continue
        if observed.reserves_name:
            if seen.now >= observed.created_at + RESERVATION_AGE:
                return Delete(
                    observed, None, "it reserved a name for long enough", Kind.NAME_RESERVATION
                )
        elif _was_given_up(seen, observed):
            return Delete(observed, None, "its deploy is tried again")
        elif _is_orphaned(seen, observed):
            return Delete(observed, None, "its deploy has another Job", Kind.ORPHANED_JOB)
        elif _comes_too_late(seen, observed):
            why = f"deploy {seen.attempted} was started after it"
            return Delete(observed, None, why, Kind.ORPHANED_JOB)
    return None


def _was_given_up(seen: Snapshot, observed: ObservedJob) -> bool:
    deploy = next((d for d in seen.deploys if d.number == observed.number), None)
    return deploy is not None and is_given_up(observed, deploy)


def _is_orphaned(seen: Snapshot, observed: ObservedJob) -> bool:
    deploy = next((d for d in seen.deploys if d.number == observed.number), None)
    if deploy is None or is_own(observed, deploy):
        return False
    return deploy.attempt > 0 or deploy.terminal


def _comes_too_late(seen: Snapshot, observed: ObservedJob) -> bool:
    """It runs, the ledger has forgotten it, and something newer was started since."""
    known = any(deploy.number == observed.number for deploy in seen.deploys)
    return not known and not observed.outcome and 0 < observed.number < seen.attempted


def unknown(seen: Snapshot) -> Step | None:
    """A Job of ours whose deploy the ledger has forgotten: it is followed, and ends like any other."""
    known = {deploy.number: deploy for deploy in seen.deploys}
    for observed in seen.jobs:
        if (
            observed.gone
            or observed.deleting
            or observed.reserves_name
            or not (observed.number and observed.token)
        ):
            continue
        holder = known.get(observed.number)
        if holder is None or _is_of(observed, holder):
            return Change(
                (found(seen.target, observed), *_behind(seen, observed)), repair=Kind.UNKNOWN_JOB
            )
        if not holder.attempt and holder.state is State.PENDING:
            return Change(
                (found(seen.target, observed), *_moved_up(seen, holder)), repair=Kind.UNKNOWN_JOB
            )
    return None


def _moved_up(seen: Snapshot, first: Deploy) -> list[Deploy]:
    """Its number is taken: it gets that of the next of its stream, and so on, so that they keep their order."""
    line = [
        deploy
        for deploy in waiting_deploys(seen)
        if deploy.stream == first.stream and deploy.number >= first.number and not deploy.attempt
    ]
    newest = max(seen.seq, *(deploy.number for deploy in seen.deploys))
    numbers = [deploy.number for deploy in line[1:]] + [newest + 1]
    return [renumbered(deploy, number) for deploy, number in zip(line, numbers, strict=True)]


def _is_of(observed: ObservedJob, waiting: Deploy) -> bool:
    """The Job is of this deploy as it became after what the ledger remembers: started, with a newer commit."""
    if waiting.attempt or waiting.state is not State.PENDING:
        return False
    same = (waiting.ref, waiting.commit) == (observed.ref, observed.commit)
    return same or _is_older(waiting, observed)


def _is_older(waiting: Deploy, observed: ObservedJob) -> bool:
    return waiting.stream == stream_of(observed.ref) and waiting.wanted_at < observed.wanted_at


def _behind(seen: Snapshot, observed: ObservedJob) -> list[Deploy]:
    """What waits for its turn, and had it or lost it to a newer commit before the ledger went back."""
    why = f"a newer commit runs: {seen.target}/{observed.number}"
    return [
        replace(ended(deploy, State.SUPERSEDED, seen.now, why), superseded_by=observed.number)
        for deploy in waiting_deploys(seen)
        if deploy.number != observed.number and _is_older(deploy, observed)
    ]


def leftovers(seen: Snapshot) -> Step | None:
    over = tuple(
        field(observed)
        for observed in seen.jobs
        if observed.all_gone and not _is_active(seen, observed)
    )
    if over:
        return Change(dropped=over)
    for deploy, observed in finished(seen):
        if observed.gone or observed.deleting or seen.now < _delete_due(deploy):
            continue
        if _is_kept(seen, deploy, observed):
            continue
        if deploy.state is not State.FAILED or not observed.outcome:
            return Delete(observed, deploy, f"{deploy.name} {deploy.state}")
        if why := _outdated(seen, deploy):
            return Delete(observed, deploy, why)
    return None


def _is_kept(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> bool:
    """A Job that has not ended is never kept: it came back with a cluster that was restored."""
    succeeded = deploy.state is State.SUCCEEDED and observed.outcome
    return bool(succeeded) and seen.now < kept_until(seen, deploy)


def _is_active(seen: Snapshot, observed: ObservedJob) -> bool:
    return any(deploy.active and is_own(observed, deploy) for deploy in seen.deploys)


def _delete_due(deploy: Deploy) -> int:
    return deploy.delete_sent_at + DELETE_AGAIN if deploy.delete_sent_at else 0


def _outdated(seen: Snapshot, deploy: Deploy) -> str:
    """Why a failed Job need not be kept any longer, "" while it is to be kept."""
    policies = policies_of(seen)
    kept = [d for d, _ in finished(seen) if d.state is State.FAILED and d.number > deploy.number]
    if len(kept) >= policies.keep_failed:
        return f"{policies.keep_failed} newer failed Jobs are kept"
    if seen.now >= deploy.ended_at + policies.keep_failed_for * 1000:
        return "it has been kept long enough"
    if policies.clear_failed_on_success and seen.succeeded > deploy.number:
        return "a later deploy succeeded"
    return ""
