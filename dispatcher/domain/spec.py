"""A target's Job and policies, as the leading watcher publishes them. Values only."""

from __future__ import annotations

from typing import Any

import msgspec


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """How a target's deploys follow one another. Durations are seconds."""

    on_new_push: str = "cancel"
    every_limit: int = 20
    """With `on_new_push: every`, how many may wait before pushes are merged after all. Web goes by its own
    configuration; it is published so that `diff` shows a change of it."""
    max_supersedes: int = 5
    interruptible: bool = True
    quiet_period: int = 0
    quiet_max: int = 600
    start_timeout: int = 900
    clone_timeout: int = 1800
    start_attempts: int = 3
    """How often a deploy that the cluster cannot run is tried."""
    stop_timeout: int = 300
    on_removed: str = "finish"
    keep_succeeded_for: int = 0
    timeout: int = 3600
    retries: int = 0
    keep_failed: int = 3
    keep_failed_for: int = 7 * 86400
    clear_failed_on_success: bool = True


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """A target as the leading watcher publishes it to the workers, through the ledger."""

    target: str
    repository: str
    """The URL to clone from, as configured: never from a payload."""
    namespace: str
    policies: Policies
    manifest: dict[str, Any]
    """The rendered Job, without what differs from deploy to deploy."""
    digest: str
    """Of the manifest: tells when it has changed."""
    removed_at: int = 0
    """When a watcher first missed it in the configuration."""
    removal_grace: int = 0
    """Milliseconds from then on before it counts as removed."""
    former: tuple[str, ...] = ()
    """Names that it had before: Jobs and Pods of them may still be in the cluster."""
