"""Who is next, and what keeps it from starting."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.snapshot import Snapshot
from workers.plan.deploys import attempted, ended
from workers.plan.queries import own_job, policies_of, waiting_deploys
from workers.plan.removed import WHY, is_removed
from workers.plan.steps import Change, ClaimSlot, Create, LookForPods, Step
from workers.plan.times import GRACE, overdue_at, ready_at


def overtaken(seen: Snapshot) -> Step | None:
    """A start that came to nothing waits again; by now it was cancelled, or a newer deploy waits too."""
    waiting = waiting_deploys(seen)
    for deploy in waiting:
        if deploy.cancelled_by:
            return Change((ended(deploy, State.CANCELLED, seen.now, deploy.why),))
    if policies_of(seen).on_new_push == "every":
        return None
    return next((step for older in waiting if (step := _overtaken_by(seen, older, waiting))), None)


def _overtaken_by(seen: Snapshot, older: Deploy, waiting: Sequence[Deploy]) -> Change | None:
    """A redeploy makes no push superfluous: it stands behind it, though not behind its retries."""
    behind = [d for d in waiting if d.stream == older.stream and d.number > older.number]
    newer = [d for d in behind if not _is_asked_for(d) or _is_asked_for(older)]
    if newer:
        what = "a redeploy" if _is_asked_for(newer[-1]) else "a newer commit"
        over = ended(older, State.SUPERSEDED, seen.now, f"{what} came: {newer[-1].name}")
        return Change((replace(over, superseded_by=newer[-1].number),))
    if behind and older.troubles:
        over = ended(older, State.FAILED, seen.now, older.why)
        return Change((replace(over, cause=older.cause),))
    return None


def _is_asked_for(deploy: Deploy) -> bool:
    return deploy.reason is Reason.REDEPLOY


def next_in_turn(seen: Snapshot, token: str, live_pods: int | None) -> Step | None:
    ready = [deploy for deploy in _firsts(seen) if seen.now >= ready_at(seen, deploy)]
    if not ready or blocked(seen) or seen.spec is None:
        return None
    if live_pods is None and not _ended_cleanly(seen):
        last = _started_last(seen)
        namespace = last.namespace if last else seen.spec.namespace
        return LookForPods(replace(ready[0], namespace=namespace))
    if live_pods:
        return None
    if seen.limited and not seen.has_slot:
        return ClaimSlot(ready[0], seen.spec.namespace)
    started = attempted(ready[0], token, seen.spec.namespace)
    return Create(replace(started, starting_at=seen.now))


def _firsts(seen: Snapshot) -> list[Deploy]:
    """Of each stream the one that has waited longest: what stands behind it starts after it."""
    firsts: dict[str, Deploy] = {}
    for deploy in waiting_deploys(seen):
        firsts.setdefault(deploy.stream, deploy)
    return list(firsts.values())


def _ended_cleanly(seen: Snapshot) -> bool:
    """Whether no Pod can be left of what was started last: only a success says so by itself, and only to
    a ledger that was not emptied or rolled back since."""
    last = _started_last(seen)
    if not seen.sure or last is None:
        return False
    return last.state is State.SUCCEEDED or bool(last.released_by)


def _started_last(seen: Snapshot) -> Deploy | None:
    return next((deploy for deploy in seen.deploys if deploy.number == seen.begun), None)


def blocked(seen: Snapshot) -> str:
    """What keeps the next deploy from starting, "" for nothing."""
    if any(deploy.active for deploy in seen.deploys):
        return "another deploy is active"
    if seen.paused:
        return seen.paused
    if seen.spec is None:
        return "no watcher has published a configuration of this target"
    if is_removed(seen):
        return WHY
    if not seen.listed:
        return "no watcher has listed the cluster into this Redis yet"
    for observed in seen.jobs:
        released = any(d.uid == observed.uid and d.released_by for d in seen.deploys if d.terminal)
        if not (observed.reserves_name or observed.outcome or observed.all_gone or released):
            return f"Job {observed.job} is still there"
    return seen.no_slot


def trouble(seen: Snapshot, live_pods: int | None) -> str:
    """What an operator should know about the wait, "" when all goes its way."""
    active = next((deploy for deploy in seen.deploys if deploy.active), None)
    if active and stuck(seen, active):
        return f"{active.job} does not go; when you know that nothing of it runs, release {active.name}"
    if live_pods:
        return f"{live_pods} Pods of the target are still there"
    if active:
        return _trouble_of(seen, active)
    waiting = waiting_deploys(seen)
    if not waiting:
        return ""
    return blocked(seen) or (waiting[0].why if waiting[0].not_before > seen.now else "")


def _trouble_of(seen: Snapshot, active: Deploy) -> str:
    """Why the active deploy does not start, or does not go on: as the cause that is known says it."""
    observed = own_job(seen, active)
    if active.state is State.RUNNING and observed and not observed.outcome:
        return observed.why
    late = seen.now >= active.starting_at + GRACE
    return active.why if active.state is State.STARTING and active.cause and late else ""


def stuck(seen: Snapshot, deploy: Deploy) -> bool:
    return deploy.state is State.STOPPING and seen.now >= overdue_at(seen, deploy)
