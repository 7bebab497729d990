"""What to do next about a target: purely computational, no I/O, no clock, no chance.

`plan` looks at what the ledger holds and names one step. The reconciler carries it out, puts the result
into what it has read, and asks again, until the step is to wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from dispatcher.ledger import Snapshot
from dispatcher.model import Deploy, JobFacts, Policies, Reason, State

TOMBSTONE_AGE = 600_000
"""Milliseconds for which a claimed name keeps a late POST out."""
DELETE_AGAIN = 30_000
"""Milliseconds after which a Job that was told to go and is still there is told again."""
SOONEST = 1_000
"""Milliseconds before time alone makes a target due again: nothing spins."""


@dataclass(frozen=True)
class Change:
    """Write these deploys, forget these Jobs (`namespace/name`): nothing to do in the cluster."""

    deploys: tuple[Deploy, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Create:
    """Write the deploy, whose Job's name is new, then POST the Job."""

    deploy: Deploy


@dataclass(frozen=True)
class Claim:
    """Nobody knows whether the deploy's Job was created: take its name, or adopt the Job that has it."""

    deploy: Deploy


@dataclass(frozen=True)
class Stop:
    """Write the deploys, the first of which is told to stop, then delete its Job."""

    deploys: tuple[Deploy, ...]


@dataclass(frozen=True)
class Delete:
    """Delete a Job that has no business in the cluster any more."""

    facts: JobFacts
    deploy: Deploy | None
    """The deploy that it belongs to; None for a stray or a tombstone."""
    why: str


@dataclass(frozen=True)
class LookForPods:
    """The Job of this deploy is gone: read whether Pods of the target are left, not older than now."""

    deploy: Deploy


@dataclass(frozen=True)
class ReadLog:
    """Read the end of the failed Pod's log, then write the deploy."""

    deploy: Deploy
    facts: JobFacts


@dataclass(frozen=True)
class Wait:
    """Nothing to do before something happens, or before `due_at`."""

    due_at: int | None = None
    trouble: str = ""


Step = Change | Create | Claim | Stop | Delete | LookForPods | ReadLog | Wait


def plan(seen: Snapshot, token: str, live_pods: int | None = None) -> Step:
    """The next step for a target.

    `token` is a random id for a Job that may be created now; `live_pods` is how many Pods of the target a
    read found that began after its Job was gone, None where there was no such read yet.
    """
    return (
        _strays(seen)
        or _active(seen, live_pods)
        or _leftovers(seen)
        or _overtaken(seen)
        or _next(seen, token)
        or Wait(_due(seen, live_pods), _trouble(seen, live_pods))
    )


def facts_of(seen: Snapshot, deploy: Deploy) -> JobFacts | None:
    """What was seen of this deploy's own Job; another Job of its name does not count."""
    for facts in seen.jobs:
        if (facts.namespace, facts.job) == (deploy.namespace, deploy.job) and _is_own(
            facts, deploy
        ):
            return facts
    return None


def _is_own(facts: JobFacts, deploy: Deploy) -> bool:
    if facts.tombstone:
        return False
    return facts.uid == deploy.uid if deploy.uid else facts.token == deploy.token


def field(facts: JobFacts) -> str:
    return f"{facts.namespace}/{facts.job}"


# Jobs that should not be there -------------------------------------------------------------------


def _strays(seen: Snapshot) -> Step | None:
    for facts in seen.jobs:
        if facts.gone or facts.deleting:
            continue
        if facts.tombstone:
            if seen.now >= facts.created_at + TOMBSTONE_AGE:
                return Delete(facts, None, "it kept a name long enough")
        elif _is_stray(seen, facts):
            return Delete(facts, None, "its deploy has another Job")
    return None


def _is_stray(seen: Snapshot, facts: JobFacts) -> bool:
    deploy = next((d for d in seen.deploys if d.number == facts.number), None)
    return deploy is not None and deploy.attempt > 0 and not _is_own(facts, deploy)


# The deploy that has its turn --------------------------------------------------------------------


def _active(seen: Snapshot, live_pods: int | None) -> Step | None:
    for deploy in seen.deploys:
        if not deploy.active:
            continue
        facts = facts_of(seen, deploy)
        if not deploy.uid:
            return _starting(deploy, facts)
        if deploy.state is State.STOPPING:
            return _stopping(seen, deploy, facts, live_pods)
        return _running(seen, deploy, facts, live_pods)
    return None


def _starting(deploy: Deploy, facts: JobFacts | None) -> Step:
    if facts is None or facts.deleting or facts.gone:
        return Claim(deploy)
    return Change((adopted(deploy, facts.uid, facts.rv),))


def _running(
    seen: Snapshot, deploy: Deploy, facts: JobFacts | None, live_pods: int | None
) -> Step | None:
    if facts is None:
        return _missing(seen, deploy, live_pods)
    if facts.outcome == "succeeded":
        return Change((ended(deploy, State.SUCCEEDED, seen.now, "its Job completed"),))
    if facts.outcome == "failed":
        return ReadLog(replace(failed(deploy, facts), ended_at=seen.now), facts)
    if facts.gone:
        return _missing(seen, deploy, live_pods)
    if newer := _superseded_by(seen, deploy):
        return _stop(seen, deploy, newer)
    if facts.started and deploy.state is State.STARTING:
        return Change((replace(deploy, state=State.RUNNING, started_at=seen.now, why=""),))
    if facts.waiting != deploy.why and deploy.state is State.STARTING:
        return Change((replace(deploy, why=facts.waiting),))
    return None


def _missing(seen: Snapshot, deploy: Deploy, live_pods: int | None) -> Step | None:
    if live_pods is None:
        return LookForPods(deploy)
    if live_pods:
        return None
    return Change(
        (
            ended(
                deploy,
                State.LOST,
                seen.now,
                "its Job vanished: somebody or something else deleted it",
            ),
        )
    )


def _superseded_by(seen: Snapshot, deploy: Deploy) -> Deploy | None:
    policies = policies_of(seen)
    if policies.on_new_push != "cancel" or deploy.supersedes >= policies.max_supersedes:
        return None
    return next(
        (
            newer
            for newer in _waiting(seen)
            if newer.stream == deploy.stream and newer.reason is not Reason.REDEPLOY
        ),
        None,
    )


def _stop(seen: Snapshot, deploy: Deploy, newer: Deploy) -> Stop:
    stopped = replace(
        deploy,
        state=State.STOPPING,
        superseded_by=newer.number,
        why=f"a newer commit came: {newer.name}",
    )
    return Stop((stopped, replace(newer, supersedes=deploy.supersedes + 1)))


def _stopping(
    seen: Snapshot, deploy: Deploy, facts: JobFacts | None, live_pods: int | None
) -> Step | None:
    if facts is not None and facts.outcome == "succeeded":
        return Change(
            (ended(deploy, State.SUCCEEDED, seen.now, "its Job completed before it was stopped"),)
        )
    if facts is None or facts.gone:
        return _stopped(seen, deploy, live_pods)
    if facts.deleting or seen.now < deploy.delete_sent_at + DELETE_AGAIN:
        return None
    return Stop((replace(deploy, delete_sent_at=0),))


def _stopped(seen: Snapshot, deploy: Deploy, live_pods: int | None) -> Step | None:
    if live_pods is None:
        return LookForPods(deploy)
    if live_pods:
        return None
    state = State.SUPERSEDED if deploy.superseded_by else State.CANCELLED
    return Change((ended(deploy, state, seen.now, deploy.why),))


# What deploys leave behind -----------------------------------------------------------------------


def _leftovers(seen: Snapshot) -> Step | None:
    for deploy, facts in _finished(seen):
        if facts.over:
            return Change(dropped=(field(facts),))
        if facts.gone or facts.deleting or seen.now < _delete_due(deploy):
            continue
        if deploy.state is not State.FAILED:
            return Delete(facts, deploy, f"{deploy.name} {deploy.state}")
        if why := _outdated(seen, deploy):
            return Delete(facts, deploy, why)
    return None


def _finished(seen: Snapshot) -> Iterator[tuple[Deploy, JobFacts]]:
    for deploy in seen.deploys:
        facts = facts_of(seen, deploy) if deploy.terminal else None
        if facts:
            yield deploy, facts


def _delete_due(deploy: Deploy) -> int:
    return deploy.delete_sent_at + DELETE_AGAIN if deploy.delete_sent_at else 0


def _outdated(seen: Snapshot, deploy: Deploy) -> str:
    """Why a failed Job need not be kept any longer, "" while it is to be kept."""
    policies = policies_of(seen)
    kept = [d for d, _ in _finished(seen) if d.state is State.FAILED and d.number > deploy.number]
    if len(kept) >= policies.keep_failed:
        return f"{policies.keep_failed} newer failed Jobs are kept"
    if seen.now >= deploy.ended_at + policies.keep_failed_for * 1000:
        return "it has been kept long enough"
    if policies.clear_failed_on_success and seen.succeeded > deploy.number:
        return "a later deploy succeeded"
    return ""


# The next in turn --------------------------------------------------------------------------------


def _waiting(seen: Snapshot) -> list[Deploy]:
    return [deploy for deploy in seen.deploys if deploy.state is State.PENDING]


def _overtaken(seen: Snapshot) -> Step | None:
    """A start that came to nothing waits again; by now a newer deploy of its stream may wait too."""
    waiting = _waiting(seen)
    for older in waiting:
        newer = [d for d in waiting if d.stream == older.stream and d.number > older.number]
        if newer:
            why = f"a newer commit came: {newer[-1].name}"
            over = ended(older, State.SUPERSEDED, seen.now, why)
            return Change((replace(over, superseded_by=newer[-1].number),))
    return None


def _next(seen: Snapshot, token: str) -> Step | None:
    waiting = _waiting(seen)
    if not waiting or _blocked(seen) or seen.spec is None:
        return None
    return Create(attempted(waiting[0], token, seen.spec.namespace))


def _blocked(seen: Snapshot) -> str:
    """What keeps the next deploy from starting, "" for nothing."""
    if any(deploy.active for deploy in seen.deploys):
        return "another deploy has its turn"
    if seen.spec is None:
        return "no watcher has published a configuration of this target"
    if not seen.listed:
        return "no watcher has listed the cluster into this Redis yet"
    for facts in seen.jobs:
        if not (facts.tombstone or facts.outcome or facts.over):
            return f"Job {facts.job} is still there"
    return ""


def _trouble(seen: Snapshot, live_pods: int | None) -> str:
    """What an operator should know about the wait, "" when all goes its way."""
    active = next((deploy for deploy in seen.deploys if deploy.active), None)
    if active and live_pods:
        return f"{live_pods} Pods of {active.job} are still there"
    return _blocked(seen) if _waiting(seen) and not active else ""


def _due(seen: Snapshot, live_pods: int | None) -> int | None:
    """When time alone asks for a step, and as a net below the events of a Pod that should go."""
    times = [d.delete_sent_at + DELETE_AGAIN for d in seen.deploys if d.delete_sent_at]
    keep = policies_of(seen).keep_failed_for * 1000
    times += [
        d.ended_at + keep for d, f in _finished(seen) if d.state is State.FAILED and not f.gone
    ]
    times += [f.created_at + TOMBSTONE_AGE for f in seen.jobs if f.tombstone and not f.gone]
    times += [seen.now + DELETE_AGAIN] if live_pods else []
    earliest = min(times, default=None)
    return None if earliest is None else max(earliest, seen.now + SOONEST)


# Deploys as they become --------------------------------------------------------------------------


def policies_of(seen: Snapshot) -> Policies:
    return seen.spec.policies if seen.spec else Policies()


def attempted(deploy: Deploy, token: str, namespace: str) -> Deploy:
    """The deploy under the next name that was never used."""
    attempt = deploy.attempt + 1
    name = f"{deploy.target}-{deploy.number}" + (f"-{attempt}" if attempt > 1 else "")
    return replace(
        deploy,
        state=State.STARTING,
        attempt=attempt,
        token=token,
        namespace=namespace,
        job=name,
        uid="",
        created_rv="",
        why="",
    )


def adopted(deploy: Deploy, uid: str, rv: str) -> Deploy:
    return replace(deploy, uid=uid, created_rv=rv)


def ended(deploy: Deploy, state: State, now: int, why: str) -> Deploy:
    return replace(deploy, state=state, ended_at=now, why=why, delete_sent_at=0)


def failed(deploy: Deploy, facts: JobFacts) -> Deploy:
    """The deploy with the reason that Kubernetes gives, without its log."""
    said = ": ".join(part for part in (facts.reason, facts.message) if part)
    where = f"container {facts.container} exited with {facts.exit_code}"
    why = "; ".join(part for part in (where if facts.container else "", said) if part)
    return replace(
        deploy,
        state=State.FAILED,
        why=why or "its Job failed",
        exit_code=facts.exit_code,
        delete_sent_at=0,
    )
