"""Jobs that have no business in the cluster: strays, and what deploys leave behind."""

from __future__ import annotations

from dispatcher.ledger import Kind, Snapshot
from dispatcher.model import Deploy, JobFacts, State
from workers.planning.deploys import found, renumbered
from workers.planning.reading import field, finished, is_own, policies_of
from workers.planning.steps import Change, Delete, Step
from workers.planning.times import DELETE_AGAIN, TOMBSTONE_AGE, kept_until


def strays(seen: Snapshot) -> Step | None:
    for facts in seen.jobs:
        if facts.gone or facts.deleting:
            continue
        if facts.tombstone:
            if seen.now >= facts.created_at + TOMBSTONE_AGE:
                return Delete(facts, None, "it kept a name long enough")
        elif _is_stray(seen, facts):
            return Delete(facts, None, "its deploy has another Job")
        elif _comes_too_late(seen, facts):
            return Delete(facts, None, f"deploy {seen.attempted} was started after it")
    return None


def _is_stray(seen: Snapshot, facts: JobFacts) -> bool:
    deploy = next((d for d in seen.deploys if d.number == facts.number), None)
    return deploy is not None and deploy.attempt > 0 and not is_own(facts, deploy)


def _comes_too_late(seen: Snapshot, facts: JobFacts) -> bool:
    """It runs, the ledger has forgotten it, and something newer was started since."""
    known = any(deploy.number == facts.number for deploy in seen.deploys)
    return not known and not facts.outcome and 0 < facts.number < seen.attempted


def unknown(seen: Snapshot) -> Step | None:
    """A Job of ours whose deploy the ledger has forgotten: it is followed, and ends like any other."""
    known = {deploy.number: deploy for deploy in seen.deploys}
    for facts in seen.jobs:
        if facts.gone or facts.deleting or facts.tombstone or not (facts.number and facts.token):
            continue
        holder = known.get(facts.number)
        if holder is None:
            return Change((found(seen.target, facts),), repair=Kind.FOUND)
        if not holder.attempt and holder.state is State.PENDING:
            if (holder.ref, holder.commit) == (facts.ref, facts.commit):
                return Change((found(seen.target, facts),), repair=Kind.FOUND)
            moved = renumbered(holder, max(seen.seq, *known) + 1)
            return Change((found(seen.target, facts), moved), repair=Kind.FOUND)
    return None


def leftovers(seen: Snapshot) -> Step | None:
    over = tuple(field(facts) for facts in seen.jobs if facts.over and not _is_active(seen, facts))
    if over:
        return Change(dropped=over)
    for deploy, facts in finished(seen):
        if facts.gone or facts.deleting or seen.now < _delete_due(deploy):
            continue
        if deploy.state is State.SUCCEEDED and seen.now < kept_until(seen, deploy):
            continue
        if deploy.state is not State.FAILED:
            return Delete(facts, deploy, f"{deploy.name} {deploy.state}")
        if why := _outdated(seen, deploy):
            return Delete(facts, deploy, why)
    return None


def _is_active(seen: Snapshot, facts: JobFacts) -> bool:
    return any(deploy.active and is_own(facts, deploy) for deploy in seen.deploys)


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
