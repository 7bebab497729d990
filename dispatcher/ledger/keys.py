"""Every key of the ledger, with its type and how long it lives. Nothing else builds a key."""

from __future__ import annotations

import hashlib


class Keys:
    """Names below one prefix, so that several installations can share a Redis."""

    def __init__(self, instance: str) -> None:
        self.prefix = f"git-dispatcher:{instance}:"

    def row(self, target: str) -> str:
        """Hash, kept: `version`, `seq` (newest number), `open` (numbers not yet over), `attempted` (newest
        number that was started), `succeeded` (newest that did), `ended` (newest that is over), `woken`,
        `wakes`, `rewakes`, `lease`, `lease_until`, `trouble`, `paused` (who and why, JSON),
        `digest` (of the Job that was published last)."""
        return f"{self.prefix}row:{target}"

    def deploys(self, target: str) -> str:
        """Hash, bounded by `Limits.history`: number -> Deploy (JSON)."""
        return f"{self.prefix}deploys:{target}"

    def jobs(self, target: str) -> str:
        """Hash, as many as the target has Jobs in the cluster: `namespace/job` -> JobFacts (JSON)."""
        return f"{self.prefix}jobs:{target}"

    def chain(self, target: str, stream: str) -> str:
        """Hash, expires `Limits.edges` after the last push: heads and edges of a stream's refs."""
        return f"{self.prefix}chain:{target}:{stream}"

    def ages(self, target: str, stream: str) -> str:
        """Sorted set, expires with the chain: when each edge was last seen."""
        return f"{self.prefix}ages:{target}:{stream}"

    def seen(self, target: str, ref: str, before: str, after: str, pushed_at: int) -> str:
        """String, expires after `Limits.remember`: the deploy that this very push went to."""
        return f"{self.prefix}seen:{target}:{_digest(ref, before, after, str(pushed_at))}"

    def delivery(self, hook: str, repository: str, delivery: str) -> str:
        """Hash, expires after `Limits.remember`: `target ref commit` -> first answer (JSON)."""
        return f"{self.prefix}delivery:{hook}:{_digest(repository, delivery)}"

    def request(self, target: str, request: str) -> str:
        """String, expires after `Limits.remember`: the answer to a redeploy request."""
        return f"{self.prefix}request:{target}:{_digest(request)}"

    @property
    def due(self) -> str:
        """Sorted set, kept: target -> when it has to be looked at, whatever happens until then."""
        return f"{self.prefix}due"

    @property
    def paused(self) -> str:
        """String, kept while everything is paused: who and why (JSON). A target's own is in its row."""
        return f"{self.prefix}paused"

    @property
    def specs(self) -> str:
        """Hash, kept: target -> Spec (JSON), as the leading watcher publishes it."""
        return f"{self.prefix}specs"

    @property
    def busy(self) -> str:
        """Set, kept: targets that have Jobs in the cluster."""
        return f"{self.prefix}busy"

    @property
    def leader(self) -> str:
        """String, expires after `Limits.lead`: token of the watcher that leads."""
        return f"{self.prefix}leader"

    @property
    def listed(self) -> str:
        """Hash, kept: namespace -> `run_id` of the Redis server that a full LIST of it was put into."""
        return f"{self.prefix}listed"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
