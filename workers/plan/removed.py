"""Targets that are no longer configured: what waits is cancelled, what runs finishes or is stopped."""

from __future__ import annotations

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.snapshot import Snapshot
from workers.plan.deploys import ended
from workers.plan.queries import policies_of, waiting_deploys
from workers.plan.steps import Change, Step

WHY = "its target was removed from the configuration"
GRACE = 120_000
"""Milliseconds for which a push waits whose target was never published: web may have read a configuration
that the watcher is yet to read."""


def is_removed(seen: Snapshot) -> bool:
    """Whether a watcher has published what is configured, and this target is not."""
    return bool(seen.spec.removed_at) if seen.spec else seen.published


def removed(seen: Snapshot) -> Step | None:
    if not is_removed(seen):
        return None
    for deploy in waiting_deploys(seen):
        if seen.now >= cancelled_at(seen, deploy):
            return Change((ended(deploy, State.CANCELLED, seen.now, WHY),))
    return None


def cancelled_at(seen: Snapshot, deploy: Deploy) -> int:
    """When a deploy that waits is given up, its target being gone: processes do not read a changed
    configuration at the same time, and an older one may lead for a moment."""
    return max(gone_at(seen), deploy.wanted_at + (seen.spec.removal_grace if seen.spec else GRACE))


def gone_at(seen: Snapshot) -> int:
    """When a target that is missed counts as removed; 0 for one that was never published."""
    return seen.spec.removed_at + seen.spec.removal_grace if seen.spec else 0


def is_to_stop(seen: Snapshot) -> bool:
    """Whether a deploy that runs has to stop since its target is gone."""
    stops = seen.spec is not None and policies_of(seen).on_removed == "stop"
    return stops and is_removed(seen) and seen.now >= gone_at(seen)
