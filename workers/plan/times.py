"""When time alone asks for a step."""

from __future__ import annotations

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.snapshot import Snapshot
from workers.plan.queries import finished, own_job, policies_of, waiting_deploys
from workers.plan.removed import cancelled_at, gone_at, is_removed

RESERVATION_AGE = 600_000
"""Milliseconds for which a reserved name keeps a late POST out."""
DELETE_AGAIN = 30_000
"""Milliseconds after which a Job that was told to go and is still there is told again."""
LOOK_AGAIN = 60_000
"""Milliseconds after which what waits for somebody's word is looked at, should that word be lost."""
GRACE = 10_000
"""Milliseconds after which it is trouble that a deploy does not start, and a Job should have a Pod."""
QUIET = 30_000
"""Milliseconds for which a Pod may pull its image without a word before its events are read."""
SOONEST = 1_000
"""Milliseconds before time alone makes a target due again: nothing spins."""


def due(seen: Snapshot, live_pods: int | None) -> int | None:
    """When time alone asks for a step, and as a net below the events of a Pod that should go."""
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
    times += [seen.now + LOOK_AGAIN] if any(not d.terminal for d in seen.deploys) else []
    times += [ready_at(seen, d) for d in waiting_deploys(seen) if ready_at(seen, d) > seen.now]
    if is_removed(seen):
        times += [cancelled_at(seen, d) for d in waiting_deploys(seen)]
        times += [gone_at(seen)] if gone_at(seen) > seen.now else []
    times += [time for d in seen.deploys if (time := overdue_at(seen, d)) > seen.now]
    times += [time for d in seen.deploys for time in _of_start(seen, d) if time > seen.now]
    earliest = min(times, default=None)
    return None if earliest is None else max(earliest, seen.now + SOONEST)


def overdue_at(seen: Snapshot, deploy: Deploy) -> int:
    """When a start or a stop has taken too long; 0 for what does neither."""
    policies = policies_of(seen)
    if deploy.state is State.STARTING:
        return _start_overdue_at(seen, deploy)
    if deploy.state is State.STOPPING:
        return deploy.stopping_at + policies.stop_timeout * 1000
    return 0


def _start_overdue_at(seen: Snapshot, deploy: Deploy) -> int:
    """The clone has a bound of its own; other init containers have none but the Pod's deadline, since they
    are work like the main ones. What all of them took is not counted against the start. What failed by
    itself is its Job's to try again: each Pod has the same time to start."""
    policies, observed = policies_of(seen), own_job(seen, deploy)
    if observed and observed.cause and not observed.retry:
        return 0
    if observed and observed.preparing:
        return (
            deploy.cloning_at + policies.clone_timeout * 1000 if is_cloning(deploy, observed) else 0
        )
    took = observed.prepared if observed else 0
    return _asked_for_at(deploy, observed) + policies.start_timeout * 1000 + took


def _asked_for_at(deploy: Deploy, observed: ObservedJob | None) -> int:
    """When the Pod was asked for that is to start: with its Job, or by its Job as a retry."""
    return max(deploy.starting_at, observed.retried_at if observed else 0)


def is_cloning(deploy: Deploy, observed: ObservedJob) -> bool:
    return observed.cloning and bool(deploy.cloning_at)


def _of_start(seen: Snapshot, deploy: Deploy) -> tuple[int, ...]:
    """When a deploy that does not start is looked at besides."""
    if deploy.state is not State.STARTING:
        return ()
    return deploy.starting_at + GRACE, ask_at(seen, deploy)


def ask_at(seen: Snapshot, deploy: Deploy) -> int:
    """When the cluster's events are to be read, since nothing else says why it does not start: after ever
    longer pauses, and once more before it is given up. 0 where there is nothing to ask."""
    observed = own_job(seen, deploy)
    if observed is None or observed.cause or observed.preparing or observed.started:
        return 0
    timeouts = QUIET if observed.pod else GRACE
    first = _asked_for_at(deploy, observed) + observed.prepared + timeouts
    again = deploy.asked_at + max(QUIET, deploy.asked_at - deploy.starting_at)
    late = overdue_at(seen, deploy)
    following = again if deploy.asked_at else first
    return following if deploy.asked_at >= late else min(following, late)


def ready_at(seen: Snapshot, deploy: Deploy) -> int:
    """When a deploy may start: once pushes have settled, and once the cluster may be tried again."""
    policies = policies_of(seen)
    quiet = deploy.wanted_at + policies.quiet_period * 1000
    longest = deploy.created_at + policies.quiet_max * 1000
    settled = min(quiet, longest) if deploy.reason is Reason.PUSH else 0
    return max(settled, deploy.not_before)


def kept_until(seen: Snapshot, deploy: Deploy) -> int:
    return deploy.ended_at + policies_of(seen).keep_succeeded_for * 1000
