"""Who is next, and what keeps it from starting."""

from __future__ import annotations

from msgspec.structs import replace

from dispatcher.ledger import Snapshot
from dispatcher.model import Deploy, State
from workers.planning.deploys import attempted, ended
from workers.planning.reading import policies_of, waiting_deploys
from workers.planning.steps import Change, Create, LookForPods, Step
from workers.planning.times import overdue_at, ready_at


def overtaken(seen: Snapshot) -> Step | None:
    """A start that came to nothing waits again; by now it was cancelled, or a newer deploy waits too."""
    waiting = waiting_deploys(seen)
    for deploy in waiting:
        if deploy.cancelled_by:
            return Change((ended(deploy, State.CANCELLED, seen.now, deploy.why),))
    if policies_of(seen).on_new_push == "every":
        return None
    for older in waiting:
        newer = [d for d in waiting if d.stream == older.stream and d.number > older.number]
        if newer:
            why = f"a newer commit came: {newer[-1].name}"
            over = ended(older, State.SUPERSEDED, seen.now, why)
            return Change((replace(over, superseded_by=newer[-1].number),))
    return None


def next_in_turn(seen: Snapshot, token: str, live_pods: int | None) -> Step | None:
    ready = [deploy for deploy in waiting_deploys(seen) if seen.now >= ready_at(seen, deploy)]
    if not ready or blocked(seen) or seen.spec is None:
        return None
    if live_pods is None and not _ended_cleanly(seen):
        return LookForPods(replace(ready[0], namespace=ready[0].namespace or seen.spec.namespace))
    if live_pods:
        return None
    started = attempted(ready[0], token, seen.spec.namespace)
    return Create(replace(started, starting_at=seen.now))


def _ended_cleanly(seen: Snapshot) -> bool:
    """Whether no Pod can be left of what was started last: only a success says so by itself."""
    if not seen.attempted:
        return True
    last = next((d for d in seen.deploys if d.number == seen.attempted), None)
    return last is not None and (last.state is State.SUCCEEDED or bool(last.released_by))


def blocked(seen: Snapshot) -> str:
    """What keeps the next deploy from starting, "" for nothing."""
    if any(deploy.active for deploy in seen.deploys):
        return "another deploy has its turn"
    if seen.paused:
        return seen.paused
    if seen.spec is None:
        return "no watcher has published a configuration of this target"
    if not seen.listed:
        return "no watcher has listed the cluster into this Redis yet"
    for facts in seen.jobs:
        released = any(d.uid == facts.uid and d.released_by for d in seen.deploys if d.terminal)
        if not (facts.tombstone or facts.outcome or facts.over or released):
            return f"Job {facts.job} is still there"
    return ""


def trouble(seen: Snapshot, live_pods: int | None) -> str:
    """What an operator should know about the wait, "" when all goes its way."""
    active = next((deploy for deploy in seen.deploys if deploy.active), None)
    if active and stuck(seen, active):
        return f"{active.job} does not go; when you know that nothing of it runs, release {active.name}"
    if live_pods:
        return f"{live_pods} Pods of the target are still there"
    waiting = waiting_deploys(seen)
    if not waiting or active:
        return ""
    return blocked(seen) or (waiting[0].why if waiting[0].not_before > seen.now else "")


def stuck(seen: Snapshot, deploy: Deploy) -> bool:
    return deploy.state is State.STOPPING and seen.now >= overdue_at(seen, deploy)
