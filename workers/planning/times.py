"""When time alone asks for a step."""

from __future__ import annotations

from dispatcher.ledger import Snapshot
from dispatcher.model import Deploy, Reason, State
from workers.planning.reading import finished, policies_of, waiting_deploys
from workers.planning.removed import cancelled_at, gone_at, is_removed

TOMBSTONE_AGE = 600_000
"""Milliseconds for which a claimed name keeps a late POST out."""
DELETE_AGAIN = 30_000
"""Milliseconds after which a Job that was told to go and is still there is told again."""
LOOK_AGAIN = 60_000
"""Milliseconds after which what waits for somebody's word is looked at, should that word be lost."""
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
    times += [f.created_at + TOMBSTONE_AGE for f in seen.jobs if f.tombstone and not f.gone]
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
    earliest = min(times, default=None)
    return None if earliest is None else max(earliest, seen.now + SOONEST)


def overdue_at(seen: Snapshot, deploy: Deploy) -> int:
    """When a start or a stop has taken too long; 0 for what does neither."""
    policies = policies_of(seen)
    if deploy.state is State.STARTING:
        return deploy.starting_at + policies.start_timeout * 1000
    if deploy.state is State.STOPPING:
        return deploy.stopping_at + policies.stop_timeout * 1000
    return 0


def ready_at(seen: Snapshot, deploy: Deploy) -> int:
    """When a deploy may start: once pushes have settled, and once the cluster may be tried again."""
    policies = policies_of(seen)
    quiet = deploy.wanted_at + policies.quiet_period * 1000
    longest = deploy.created_at + policies.quiet_max * 1000
    settled = min(quiet, longest) if deploy.reason is Reason.PUSH else 0
    return max(settled, deploy.not_before)


def kept_until(seen: Snapshot, deploy: Deploy) -> int:
    return deploy.ended_at + policies_of(seen).keep_succeeded_for * 1000
