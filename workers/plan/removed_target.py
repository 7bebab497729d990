"""Targets that are no longer configured: waiting deploys are cancelled, active ones finish or are stopped."""

from __future__ import annotations

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.snapshot import Snapshot
from workers.plan.changed_deploy import ended
from workers.plan.lookup import policies_of, waiting_deploys
from workers.plan.steps import Change, Step

REMOVED = "its target was removed from the configuration"
UNPUBLISHED_GRACE = 120_000
"""Milliseconds that a push waits if no watcher has published its target: web may have read a newer
configuration than the watcher."""


def is_removed(seen: Snapshot) -> bool:
    """Whether a watcher has published what is configured, and this target is not."""
    return bool(seen.spec.removed_at) if seen.spec else seen.published


def cancel_removed(seen: Snapshot) -> Step | None:
    if not is_removed(seen):
        return None
    for deploy in waiting_deploys(seen):
        if seen.now >= cancelled_at(seen, deploy):
            return Change((ended(deploy, State.CANCELLED, seen.now, REMOVED),))
    return None


def cancelled_at(seen: Snapshot, deploy: Deploy) -> int:
    """When a waiting deploy of a removed target is cancelled. The grace is there since processes do not read a
    changed configuration at the same time, and a watcher with the older one may lead for a moment."""
    return max(
        gone_at(seen),
        deploy.wanted_at + (seen.spec.removal_grace if seen.spec else UNPUBLISHED_GRACE),
    )


def gone_at(seen: Snapshot) -> int:
    """When a target that is no longer published counts as removed; 0 if it was never published."""
    return seen.spec.removed_at + seen.spec.removal_grace if seen.spec else 0


def is_to_stop(seen: Snapshot) -> bool:
    """Whether the active deploy has to stop because its target was removed."""
    stops = seen.spec is not None and policies_of(seen).on_removed == "stop"
    return stops and is_removed(seen) and seen.now >= gone_at(seen)
