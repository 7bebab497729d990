"""When a target is due although nothing happens: time-outs, retries, Jobs that were kept long enough."""

from __future__ import annotations

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.snapshot import Snapshot
from workers.plan.lookup import finished, own_job, policies_of, waiting_deploys
from workers.plan.removed_target import cancelled_at, gone_at, is_removed

RESERVATION_AGE = 600_000
"""Milliseconds after which a name reservation is deleted: no late POST is expected any more."""
DELETE_AGAIN = 30_000
"""Milliseconds after which the DELETE of a Job that is still there is sent again."""
RECHECK = 60_000
"""Milliseconds after which a target with an open deploy is reconciled anyway: its wake-up may be lost."""
START_GRACE = 10_000
"""Milliseconds in which a Job should have a Pod; after that, a deploy that does not start is trouble."""
PULL_GRACE = 30_000
"""Milliseconds for which a Pod may pull its image before its events are read."""
SHORTEST_WAIT = 1_000
"""Milliseconds until a target is due again, at least: no worker spins on it."""


def next_due(seen: Snapshot, live_pods: int | None) -> int | None:
    """When the target is due, whatever happens or is missed until then; None if it never is."""
    again = (d.delete_sent_at + DELETE_AGAIN for d in seen.deploys if d.delete_sent_at)
    times = [time for time in again if time > seen.now]
    keep = policies_of(seen).keep_failed_for * 1000
    times += [
        d.ended_at + keep for d, f in finished(seen) if d.state is State.FAILED and not f.gone
    ]
    times += [f.created_at + RESERVATION_AGE for f in seen.jobs if f.reserves_name and not f.gone]
    times += [
        kept_until(seen, d) for d, f in finished(seen) if d.state is State.SUCCEEDED and not f.gone
    ]
    times += [seen.now + DELETE_AGAIN] if live_pods else []
    times += [seen.now + RECHECK] if any(not d.terminal for d in seen.deploys) else []
    times += [ready_at(seen, d) for d in waiting_deploys(seen) if ready_at(seen, d) > seen.now]
    if is_removed(seen):
        times += [cancelled_at(seen, d) for d in waiting_deploys(seen)]
        times += [gone_at(seen)] if gone_at(seen) > seen.now else []
    times += [time for d in seen.deploys if (time := overdue_at(seen, d)) > seen.now]
    times += [time for d in seen.deploys for time in _start_checks(seen, d) if time > seen.now]
    earliest = min(times, default=None)
    return None if earliest is None else max(earliest, seen.now + SHORTEST_WAIT)


def overdue_at(seen: Snapshot, deploy: Deploy) -> int:
    """When a start or a stop has taken too long; 0 for a deploy that does neither."""
    policies = policies_of(seen)
    if deploy.state is State.STARTING:
        return _start_overdue_at(seen, deploy)
    if deploy.state is State.STOPPING:
        return deploy.stopping_at + policies.stop_timeout * 1000
    return 0


def _start_overdue_at(seen: Snapshot, deploy: Deploy) -> int:
    """The clone has its own time-out. Other init containers have none but the Pod's deadline, since they do
    work as the main ones do. The time that all of them took does not count against the start. After a failure
    of its own the Job makes another Pod, which has the whole time to start."""
    policies, observed = policies_of(seen), own_job(seen, deploy)
    if observed and observed.cause and not observed.retry:
        return 0
    if observed and observed.preparing:
        return (
            deploy.cloning_at + policies.clone_timeout * 1000 if is_cloning(deploy, observed) else 0
        )
    took = observed.prepared if observed else 0
    return _pod_requested_at(deploy, observed) + policies.start_timeout * 1000 + took


def _pod_requested_at(deploy: Deploy, observed: ObservedJob | None) -> int:
    """When the Pod that is to start was requested: with its Job, or as a retry by its Job."""
    return max(deploy.starting_at, observed.retried_at if observed else 0)


def is_cloning(deploy: Deploy, observed: ObservedJob) -> bool:
    return observed.cloning and bool(deploy.cloning_at)


def _start_checks(seen: Snapshot, deploy: Deploy) -> tuple[int, ...]:
    """When a deploy that does not start is checked, besides its time-out."""
    if deploy.state is not State.STARTING:
        return ()
    return deploy.starting_at + START_GRACE, read_events_at(seen, deploy)


def read_events_at(seen: Snapshot, deploy: Deploy) -> int:
    """When to read the cluster's events, since nothing else shows why the deploy does not start: after longer
    and longer pauses, and a last time before the worker gives the attempt up. 0 if there is no reason to."""
    observed = own_job(seen, deploy)
    if observed is None or observed.cause or observed.preparing or observed.started:
        return 0
    timeouts = PULL_GRACE if observed.pod else START_GRACE
    first = _pod_requested_at(deploy, observed) + observed.prepared + timeouts
    again = deploy.events_read_at + max(PULL_GRACE, deploy.events_read_at - deploy.starting_at)
    late = overdue_at(seen, deploy)
    following = again if deploy.events_read_at else first
    return following if deploy.events_read_at >= late else min(following, late)


def ready_at(seen: Snapshot, deploy: Deploy) -> int:
    """When a deploy may start: after its quiet period, and after the pause before a retry."""
    policies = policies_of(seen)
    quiet = deploy.wanted_at + policies.quiet_period * 1000
    longest = deploy.created_at + policies.quiet_max * 1000
    settled = min(quiet, longest) if deploy.reason is Reason.PUSH else 0
    return max(settled, deploy.not_before)


def kept_until(seen: Snapshot, deploy: Deploy) -> int:
    return deploy.ended_at + policies_of(seen).keep_succeeded_for * 1000
