"""The active deploy: starting, running, stopping."""

from __future__ import annotations

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind
from dispatcher.domain.snapshot import Snapshot
from workers.causes import jobs
from workers.causes.cause import Cause
from workers.plan.deploys import adopted, because, ended, ended_by, put_back, told_to_stop
from workers.plan.queries import own_job, policies_of, waiting_deploys
from workers.plan.removed import WHY as REMOVED
from workers.plan.removed import is_to_stop
from workers.plan.steps import AskEvents, Change, Judge, LookForPods, ReserveName, Step, Stop
from workers.plan.times import DELETE_AGAIN, ask_at, is_cloning, overdue_at


def active(seen: Snapshot, live_pods: int | None) -> Step | None:
    for deploy in seen.deploys:
        if not deploy.active:
            continue
        observed = own_job(seen, deploy)
        if not deploy.uid:
            return _starting(deploy, observed)
        if deploy.state is State.STOPPING:
            return _stopping(seen, deploy, observed, live_pods)
        return _running(seen, deploy, observed, live_pods)
    return None


def _starting(deploy: Deploy, observed: ObservedJob | None) -> Step:
    if observed is None or observed.deleting or observed.gone:
        return ReserveName(deploy)
    return Change((adopted(deploy, observed.uid, observed.rv),))


def _running(
    seen: Snapshot, deploy: Deploy, observed: ObservedJob | None, live_pods: int | None
) -> Step | None:
    if observed is None or (observed.gone and not observed.outcome):
        return _missing(seen, deploy, live_pods)
    if observed.outcome:
        return _job_ended(seen, deploy, observed)
    if deploy.cancelled_by:
        return Stop((told_to_stop(seen, deploy),))
    if is_to_stop(seen):
        stopped = replace(told_to_stop(seen, deploy), cancelled_by="the configuration", why=REMOVED)
        return Stop((stopped,))
    if newer := _superseded_by(seen, deploy, observed):
        return _supersede(seen, deploy, newer)
    return _begun(seen, deploy, observed) if deploy.state is State.STARTING else None


def _job_ended(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> Step:
    if observed.outcome == "succeeded":
        return Change((ended(_ran(deploy), State.SUCCEEDED, seen.now, "its Job completed"),))
    return Judge(deploy, observed)


def _ran(deploy: Deploy) -> Deploy:
    """Its start may not have been seen: then it is taken to have started when it was asked for."""
    return replace(deploy, started_at=deploy.started_at or deploy.starting_at)


def judged(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> Deploy:
    """A deploy whose Job has failed, by what its Pods say now: run again if that was the cluster's doing."""
    cause = _cause_of(observed) or jobs.of_end(observed, None)
    if observed.started:
        deploy = _ran(deploy)
    elif deploy.state is State.STARTING:
        cause = jobs.never_started(cause, jobs.of_wait(deploy))
    if cause.retry:
        deploy = again_or(seen, deploy, State.FAILED, cause)
    else:
        deploy = ended_by(deploy, State.FAILED, seen.now, cause)
    return replace(deploy, exit_code=observed.exit_code) if deploy.terminal else deploy


def _cause_of(observed: ObservedJob) -> Cause | None:
    return Cause(observed.cause, observed.why, observed.retry) if observed.cause else None


def _begun(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> Step | None:
    if observed.started:
        running = replace(because(deploy, None), state=State.RUNNING, started_at=seen.now)
        return Change((running,))
    if observed.cloning and deploy.cloning_at < max(1, observed.retried_at):
        return Change((replace(deploy, cloning_at=max(seen.now, observed.retried_at)),))
    if 0 < ask_at(seen, deploy) <= seen.now:
        return AskEvents(deploy, observed)
    if 0 < overdue_at(seen, deploy) <= seen.now:
        return _start_again(seen, deploy, observed)
    if observed.cause or not deploy.asked_at:
        explained = replace(because(deploy, _cause_of(observed)), asked_at=0)
        return Change((explained,)) if explained != deploy else None
    return None


def asked(seen: Snapshot, deploy: Deploy, cause: Cause | None) -> Deploy:
    """A deploy that does not start, with what the cluster's events say about that."""
    return replace(because(deploy, cause), asked_at=seen.now)


def _missing(seen: Snapshot, deploy: Deploy, live_pods: int | None) -> Step | None:
    if live_pods is None:
        return LookForPods(deploy)
    if live_pods:
        return None
    again = again_or(seen, deploy, State.LOST, jobs.VANISHED)
    return Change((again,), repair=Kind.VANISHED_JOB)


def again_or(seen: Snapshot, deploy: Deploy, end: State, cause: Cause) -> Deploy:
    """Not the deploy's own fault: it runs again, later each time, unless it has been tried often enough
    or there is something newer, be it that it waits or that it was found to run."""
    spent = deploy.troubles + 1 >= policies_of(seen).start_attempts
    if spent or _is_overtaken(seen, deploy) or deploy.cancelled_by:
        return ended_by(deploy, end, seen.now, cause)
    return put_back(seen, deploy, cause)


def _is_overtaken(seen: Snapshot, deploy: Deploy) -> bool:
    """Where every push counts, only by what was started: what waits stands behind it."""
    every = policies_of(seen).on_new_push == "every"
    others = [d for d in seen.deploys if d.stream == deploy.stream and d.number != deploy.number]
    newer = [d for d in others if d.number > deploy.number or d.state is State.PENDING]
    return any(d.attempt or not every for d in newer)


def _superseded_by(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> Deploy | None:
    policies = policies_of(seen)
    if not (policies.interruptible and observed.interruptible):
        return None
    if policies.on_new_push != "cancel" or deploy.supersedes >= policies.max_supersedes:
        return None
    return next(
        (
            newer
            for newer in waiting_deploys(seen)
            if newer.stream == deploy.stream and newer.reason is not Reason.REDEPLOY
        ),
        None,
    )


def _supersede(seen: Snapshot, deploy: Deploy, newer: Deploy) -> Stop:
    why = f"a newer commit came: {newer.name}"
    stopped = replace(told_to_stop(seen, deploy), superseded_by=newer.number, why=why)
    return Stop((stopped, replace(newer, supersedes=deploy.supersedes + 1)))


def _start_again(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> Step:
    """Not the deploy's own fault: again under the next name, later each time, and not for ever."""
    policies = policies_of(seen)
    if is_cloning(deploy, observed):
        cause = jobs.slow_clone(policies.clone_timeout)
    else:
        waited = _cause_of(observed) or jobs.of_wait(deploy)
        cause = jobs.not_started(policies.start_timeout, waited)
    if deploy.troubles + 1 >= policies.start_attempts:
        stopped = because(told_to_stop(seen, deploy), cause)
        return Stop((replace(stopped, gives_up=True),))
    return Change((put_back(seen, deploy, cause),))


def _stopping(
    seen: Snapshot, deploy: Deploy, observed: ObservedJob | None, live_pods: int | None
) -> Step | None:
    if observed is not None and observed.outcome == "succeeded":
        return Change(
            (ended(deploy, State.SUCCEEDED, seen.now, "its Job completed before it was stopped"),)
        )
    if observed is None or observed.gone or deploy.released_by:
        return _stopped(seen, deploy, live_pods)
    if observed.deleting or seen.now < deploy.delete_sent_at + DELETE_AGAIN:
        return None
    return Stop((replace(deploy, delete_sent_at=0),))


def _stopped(seen: Snapshot, deploy: Deploy, live_pods: int | None) -> Step | None:
    if live_pods is None and not deploy.released_by:
        return LookForPods(deploy)
    if live_pods and not deploy.released_by:
        return None
    over = ended(deploy, _end_of_stop(deploy), seen.now, deploy.why)
    return Change((replace(over, cause=deploy.cause if deploy.gives_up else None),))


def _end_of_stop(deploy: Deploy) -> State:
    if deploy.gives_up:
        return State.FAILED
    return State.SUPERSEDED if deploy.superseded_by else State.CANCELLED
