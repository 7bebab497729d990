"""Starts the next deploy of a target, or says what keeps it from starting."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.snapshot import Snapshot
from workers.plan.changed_deploy import attempted, ended
from workers.plan.lookup import own_job, policies_of, waiting_deploys
from workers.plan.removed_target import REMOVED, is_removed
from workers.plan.steps import Change, ClaimSlot, Create, ListPods, Step
from workers.plan.times import START_GRACE, overdue_at, ready_at


def supersede_waiting(seen: Snapshot) -> Step | None:
    """Ends deploys that wait although they were cancelled, or although a newer one waits too: an attempt that
    did not start puts its deploy back among those that wait."""
    waiting = waiting_deploys(seen)
    for deploy in waiting:
        if deploy.cancelled_by:
            return Change((ended(deploy, State.CANCELLED, seen.now, deploy.why),))
    if policies_of(seen).on_new_push == "every":
        return None
    return next(
        (step for older in waiting if (step := _superseded_by_newer(seen, older, waiting))), None
    )


def _superseded_by_newer(seen: Snapshot, older: Deploy, waiting: Sequence[Deploy]) -> Change | None:
    """A redeploy does not supersede a push, which runs before it; but a push that only waits for a retry gives
    way to it."""
    behind = [d for d in waiting if d.stream == older.stream and d.number > older.number]
    newer = [d for d in behind if not _is_redeploy(d) or _is_redeploy(older)]
    if newer:
        what = "a redeploy" if _is_redeploy(newer[-1]) else "a newer commit"
        superseded = ended(older, State.SUPERSEDED, seen.now, f"{what} came: {newer[-1].name}")
        return Change((replace(superseded, superseded_by=newer[-1].number),))
    if behind and older.troubles:
        failed = ended(older, State.FAILED, seen.now, older.why)
        return Change((replace(failed, cause=older.cause),))
    return None


def _is_redeploy(deploy: Deploy) -> bool:
    return deploy.reason is Reason.REDEPLOY


def start_next(seen: Snapshot, token: str, live_pods: int | None) -> Step | None:
    ready = [deploy for deploy in _first_of_each_stream(seen) if seen.now >= ready_at(seen, deploy)]
    if not ready or why_blocked(seen) or seen.spec is None:
        return None
    if live_pods is None and not _leaves_no_pods(seen):
        last = _last_started(seen)
        namespace = last.namespace if last else seen.spec.namespace
        return ListPods(replace(ready[0], namespace=namespace))
    if live_pods:
        return None
    if seen.limited and not seen.has_slot:
        return ClaimSlot(ready[0], seen.spec.namespace)
    started = attempted(ready[0], token, seen.spec.namespace)
    return Create(replace(started, starting_at=seen.now))


def _first_of_each_stream(seen: Snapshot) -> list[Deploy]:
    """The deploy of each stream that has waited longest: the others of its stream start after it."""
    firsts: dict[str, Deploy] = {}
    for deploy in waiting_deploys(seen):
        firsts.setdefault(deploy.stream, deploy)
    return list(firsts.values())


def _leaves_no_pods(seen: Snapshot) -> bool:
    """Whether no Pod of the last deploy can be left. Only a success guarantees that, and only in a ledger that
    was not emptied or rolled back since."""
    last = _last_started(seen)
    if not seen.sure or last is None:
        return False
    return last.state is State.SUCCEEDED or bool(last.released_by)


def _last_started(seen: Snapshot) -> Deploy | None:
    return next((deploy for deploy in seen.deploys if deploy.number == seen.begun), None)


def why_blocked(seen: Snapshot) -> str:
    """What keeps the next deploy from starting, "" if nothing does."""
    if any(deploy.active for deploy in seen.deploys):
        return "another deploy is active"
    if seen.paused:
        return seen.paused
    if seen.spec is None:
        return "no watcher has published a configuration of this target"
    if is_removed(seen):
        return REMOVED
    if not seen.listed:
        return "no watcher has listed the cluster into this Redis yet"
    for observed in seen.jobs:
        released = any(d.uid == observed.uid and d.released_by for d in seen.deploys if d.terminal)
        if not (observed.reserves_name or observed.outcome or observed.all_gone or released):
            return f"Job {observed.job} is still there"
    return seen.no_slot


def trouble(seen: Snapshot, live_pods: int | None) -> str:
    """What an operator should know about a target that waits, "" if all is well."""
    active = next((deploy for deploy in seen.deploys if deploy.active), None)
    if active and stuck(seen, active):
        return (
            f"{active.job} has not stopped in time; "
            f"when you know that nothing of it runs, release {active.name}"
        )
    if live_pods:
        return f"{live_pods} Pods of the target are still there"
    if active:
        return _trouble_of(seen, active)
    waiting = waiting_deploys(seen)
    if not waiting:
        return ""
    return why_blocked(seen) or (waiting[0].why if waiting[0].not_before > seen.now else "")


def _trouble_of(seen: Snapshot, active: Deploy) -> str:
    """The cause that keeps the active deploy from starting or from going on, "" if none is known."""
    observed = own_job(seen, active)
    if active.state is State.RUNNING and observed and not observed.outcome:
        return observed.why
    late = seen.now >= active.starting_at + START_GRACE
    return active.why if active.state is State.STARTING and active.cause and late else ""


def stuck(seen: Snapshot, deploy: Deploy) -> bool:
    return deploy.state is State.STOPPING and seen.now >= overdue_at(seen, deploy)
