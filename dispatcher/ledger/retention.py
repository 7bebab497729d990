"""What the ledger keeps, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Bounds and times; the defaults suit a team of any size."""

    remember: int = 3 * 86400
    """Seconds for which a delivery, a push or a request is known again. GitHub redelivers for 3 days."""
    edges: int = 30 * 86400_000
    """Milliseconds for which a branch's chain of commits is remembered."""
    times: int = 366 * 86400_000
    """Milliseconds for which the newest time that a host gave a branch or tag is remembered."""
    refs: int = 2_000
    """Branches and tags of a target whose newest times are remembered; the oldest make room."""
    renamed: int = 3_600_000
    """Milliseconds after a rename for which processes that have not read of it are told the new name."""
    history: int = 100
    """Deploys kept per target."""
    repairs: int = 200
    """Repairs kept to be looked at."""
    offered: int = 5_000
    """Milliseconds after which a target that was offered a slot and has not claimed it is passed over."""
    failures: int = 60_000
    """Milliseconds for which requests that are not authenticated are counted together."""
    deliveries: int = 20
    """Delivery ids kept in a deploy."""
    grace: int = 3_000
    """Milliseconds after which a wake-up that nobody answered is taken for lost."""
    longest_wait: int = 300_000
    """Milliseconds between two looks at a target whose wake-ups nobody answers, at the most."""
    lease: int = 6_000
    """Milliseconds for which a worker holds a target; a dead one is replaced after that."""
    lead: int = 8_000
    """Milliseconds after which a watcher that leads and says nothing is replaced: longer than it waits for one
    answer of the API server."""
