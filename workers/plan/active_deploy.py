"""The next step for the active deploy: the one that is starting, running or stopping."""

from __future__ import annotations

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind
from dispatcher.domain.snapshot import Snapshot
from workers.causes import jobs
from workers.causes.cause import Cause
from workers.plan.changed_deploy import adopted, ended, ended_by, requeued, stopping, with_cause
from workers.plan.lookup import own_job, policies_of, waiting_deploys
from workers.plan.removed_target import REMOVED, is_to_stop
from workers.plan.steps import (
    Change,
    DiagnoseFailure,
    ListPods,
    ReadEvents,
    ReserveName,
    Step,
    Stop,
)
from workers.plan.times import DELETE_AGAIN, is_cloning, overdue_at, read_events_at


def advance_active(seen: Snapshot, live_pods: int | None) -> Step | None:
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
    return Change((adopted(deploy, observed.uid),))


def _running(
    seen: Snapshot, deploy: Deploy, observed: ObservedJob | None, live_pods: int | None
) -> Step | None:
    if observed is None or (observed.gone and not observed.outcome):
        return _job_missing(seen, deploy, live_pods)
    if observed.outcome:
        return _job_ended(seen, deploy, observed)
    if deploy.cancelled_by:
        return Stop((stopping(seen, deploy),))
    if is_to_stop(seen):
        stopped = replace(stopping(seen, deploy), cancelled_by="the configuration", why=REMOVED)
        return Stop((stopped,))
    if newer := _superseded_by(seen, deploy, observed):
        return _supersede(seen, deploy, newer)
    return _starting_up(seen, deploy, observed) if deploy.state is State.STARTING else None


def _job_ended(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> Step:
    if observed.outcome == "succeeded":
        return Change((ended(_ran(deploy), State.SUCCEEDED, seen.now, "its Job completed"),))
    return DiagnoseFailure(deploy, observed)


def _ran(deploy: Deploy) -> Deploy:
    """If no watcher saw it start, it counts as started when its Job was requested."""
    return replace(deploy, started_at=deploy.started_at or deploy.starting_at)


def after_failure(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> Deploy:
    """A deploy whose Job has failed: it is retried if its Pods show that the cluster was the cause."""
    cause = _cause_of(observed) or jobs.of_end(observed, None)
    if observed.started:
        deploy = _ran(deploy)
    elif deploy.state is State.STARTING:
        cause = jobs.never_started(cause, jobs.of_wait(deploy))
    if cause.retry:
        deploy = retry_or_end(seen, deploy, State.FAILED, cause)
    else:
        deploy = ended_by(deploy, State.FAILED, seen.now, cause)
    return replace(deploy, exit_code=observed.exit_code) if deploy.terminal else deploy


def _cause_of(observed: ObservedJob) -> Cause | None:
    return Cause(observed.cause, observed.why, observed.retry) if observed.cause else None


def _starting_up(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> Step | None:
    if observed.started:
        running = replace(with_cause(deploy, None), state=State.RUNNING, started_at=seen.now)
        return Change((running,))
    if observed.cloning and deploy.cloning_at < max(1, observed.retried_at):
        return Change((replace(deploy, cloning_at=max(seen.now, observed.retried_at)),))
    if 0 < read_events_at(seen, deploy) <= seen.now:
        return ReadEvents(deploy, observed)
    if 0 < overdue_at(seen, deploy) <= seen.now:
        return _start_again(seen, deploy, observed)
    if observed.cause or not deploy.events_read_at:
        explained = replace(with_cause(deploy, _cause_of(observed)), events_read_at=0)
        return Change((explained,)) if explained != deploy else None
    return None


def explained_by_events(seen: Snapshot, deploy: Deploy, cause: Cause | None) -> Deploy:
    """A deploy that does not start, with the cause that the cluster's events give."""
    return replace(with_cause(deploy, cause), events_read_at=seen.now)


def _job_missing(seen: Snapshot, deploy: Deploy, live_pods: int | None) -> Step | None:
    if live_pods is None:
        return ListPods(deploy)
    if live_pods:
        return None
    again = retry_or_end(seen, deploy, State.LOST, jobs.VANISHED)
    return Change((again,), repair=Kind.VANISHED_JOB)


def retry_or_end(seen: Snapshot, deploy: Deploy, end: State, cause: Cause) -> Deploy:
    """A deploy that failed through no fault of its own is retried, after a longer pause each time. It ends
    instead if it has no attempts left, was cancelled, or a newer deploy of its stream exists."""
    spent = deploy.troubles + 1 >= policies_of(seen).start_attempts
    if spent or _has_newer(seen, deploy) or deploy.cancelled_by:
        return ended_by(deploy, end, seen.now, cause)
    return requeued(seen, deploy, cause)


def _has_newer(seen: Snapshot, deploy: Deploy) -> bool:
    """With `on_new_push: every`, only a newer deploy that was started counts: those that wait run after it."""
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
    stopped = replace(stopping(seen, deploy), superseded_by=newer.number, why=why)
    return Stop((stopped, replace(newer, supersedes=deploy.supersedes + 1)))


def _start_again(seen: Snapshot, deploy: Deploy, observed: ObservedJob) -> Step:
    """A deploy that did not start in time is retried under the next Job name while it has attempts left."""
    policies = policies_of(seen)
    if is_cloning(deploy, observed):
        cause = jobs.slow_clone(policies.clone_timeout)
    else:
        waited = _cause_of(observed) or jobs.of_wait(deploy)
        cause = jobs.not_started(policies.start_timeout, waited)
    if deploy.troubles + 1 >= policies.start_attempts:
        stopped = with_cause(stopping(seen, deploy), cause)
        return Stop((replace(stopped, gives_up=True),))
    return Change((requeued(seen, deploy, cause),))


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
        return ListPods(deploy)
    if live_pods and not deploy.released_by:
        return None
    stopped = ended(deploy, _end_of_stop(deploy), seen.now, deploy.why)
    return Change((replace(stopped, cause=deploy.cause if deploy.gives_up else None),))


def _end_of_stop(deploy: Deploy) -> State:
    if deploy.gives_up:
        return State.FAILED
    return State.SUPERSEDED if deploy.superseded_by else State.CANCELLED
