"""Every key of the ledger, with its type and how long it lives. Nothing else builds a key."""

from __future__ import annotations

import hashlib

from dispatcher.domain.log import LogName


class Keys:
    """Names below one prefix, so that several installations can share a Redis."""

    def __init__(self, instance: str) -> None:
        self.prefix = f"git-dispatcher:{instance}:"

    def row(self, target: str) -> str:
        """Hash, kept: `version`, `seq` (newest deploy's number), `attempted` (newest number
        that was started), `begun` ("run_id number": the deploy that was started last, and the Redis server
        that recorded the start; "?" for a Job that the watcher found), `succeeded` (newest number that
        succeeded), `succeeded_at` (when, ms), `ended` (newest number that has ended), `outcome` (of the
        newest that succeeded, failed or was lost: "number state cause time"), `woken`
        (since when a wake-up waits for a worker, "" for none), `wakes`, `rewakes`, `lease`,
        `lease_until`, `trouble`, `failures` (looks in a row that the cluster failed), `paused` (who and
        why, JSON), `digest` (of the Job that the watcher published last).
        Expires `keep_removed_for` after its target was removed from the configuration."""
        return f"{self.prefix}row:{target}"

    def deploys(self, target: str) -> str:
        """Hash, bounded by `Retention.history`: number -> Deploy (JSON). Expires with the row."""
        return f"{self.prefix}deploys:{target}"

    def timelines(self, target: str) -> str:
        """Hash, bounded as the deploys are: number -> what happened to the deploy, a line each (Event, JSON).
        Expires with the row."""
        return f"{self.prefix}timelines:{target}"

    def open(self, target: str) -> str:
        """Hash, bounded by how many deploys may wait: stream -> numbers of its deploys that have not ended."""
        return f"{self.prefix}open:{target}"

    def jobs(self, target: str) -> str:
        """Hash, a field for each of the target's Jobs in the cluster: `namespace/job` -> ObservedJob (JSON)."""
        return f"{self.prefix}jobs:{target}"

    def chain(self, target: str, stream: str) -> str:
        """Hash, expires `Retention.edges` after the last push: heads and edges of a stream's refs."""
        return f"{self.prefix}chain:{target}:{stream}"

    def ages(self, target: str, stream: str) -> str:
        """Sorted set, expires with the chain: when each ref and each edge was last pushed."""
        return f"{self.prefix}ages:{target}:{stream}"

    def times(self, target: str) -> str:
        """Sorted set, bounded by `Retention.refs`, expires `Retention.times` after the last push that has a
        time: ref -> the newest time of its host (ms). It shows that a delivery is old when the chain has
        expired."""
        return f"{self.prefix}times:{target}:refs"

    def seen(self, target: str, ref: str, before: str, after: str, pushed_at: int) -> str:
        """String, expires after `Retention.remember`: the deploy that this same push was recorded in."""
        return f"{self.prefix}seen:{target}:{_digest(ref, before, after, str(pushed_at))}"

    def delivery(self, hook: str, repository: str, delivery: str) -> str:
        """Hash, expires after `Retention.remember`: `target ref commit` -> first answer (JSON)."""
        return f"{self.prefix}delivery:{hook}:{_digest(repository, delivery)}"

    def request(self, target: str, request: str) -> str:
        """String, expires after `Retention.remember`: the answer to a redeploy request."""
        return f"{self.prefix}request:{target}:{_digest(request)}"

    def auth_failures_from(self, address: str) -> str:
        """String, expires after `Retention.auth_failures`: how many unauthenticated requests came from an
        address, or from a /64 of IPv6."""
        return f"{self.prefix}auth-failures:from:{address}"

    def auth_failures_at(self, hook: str) -> str:
        """String, expires after `Retention.auth_failures`: how many came to a hook, whether or not it exists.
        All possible names share 4096 such keys."""
        return f"{self.prefix}auth-failures:at:{_digest(hook)[:3]}"

    def logged_delivery(self, id: str) -> str:
        """Hash, expires after the setting `deliveries.keep_for`: `entry` (Delivery, JSON), `body` (as it was
        sent, zlib), `at` (ms), and for each push that the ledger has decided on, by its decision's
        number, the answer (JSON)."""
        return f"{self.prefix}logged-delivery:{id}"

    def log(self, name: LogName) -> str:
        """Stream, bounded by `Retention.relayed`, expires `Retention.relayed_for` after nobody reads it any
        more: a deploy's log, or of one container of it, as it is relayed (LogPart, JSON)."""
        return f"{self.prefix}log:{name.target}:{name.number}:{name.container}:{name.copy}"

    def noted(self, target: str) -> tuple[str, str, str, str]:
        """Where scripts note what happened: the target's timelines, the events, the counts, the index."""
        return self.timelines(target), self.events, self.counts, self.deploy_index

    def scattered(self, target: str) -> tuple[str, ...]:
        """Prefixes of the keys of which a target can have many: one for each stream, push or request."""
        kinds = ("chain", "ages", "seen", "request", "times")
        return tuple(f"{self.prefix}{kind}:{target}:" for kind in kinds)

    @property
    def delivery_log_order(self) -> str:
        """Sorted set, bounded by `deliveries.keep`, expires with its newest entry: entry -> when it came."""
        return f"{self.prefix}delivery-log-order"

    @property
    def delivery_log_sizes(self) -> str:
        """Hash, expires with the newest entry: entry -> bytes, and `total`, bounded by
        `deliveries.max_bytes`."""
        return f"{self.prefix}delivery-log-sizes"

    @property
    def used(self) -> str:
        """Hash, kept, one field for each secret: "hook source" -> when it was last used (ms)."""
        return f"{self.prefix}used"

    @property
    def rejections(self) -> str:
        """Hash, kept, one field for each hook and reason: "hook reason" -> how many requests were
        not authenticated; the hook is "" for all names that no hook has."""
        return f"{self.prefix}rejections"

    @property
    def refused(self) -> str:
        """Hash, kept, one field for each hook and status: "hook status" -> how many deliveries were answered
        401, 429 or 503; the hook is "" for all names that no hook has."""
        return f"{self.prefix}refused"

    @property
    def refused_at(self) -> str:
        """Hash, kept, with the same fields: when that was answered last (ms)."""
        return f"{self.prefix}refused-at"

    @property
    def events(self) -> str:
        """Stream, bounded by `Retention.happened`: what happened to deploys and targets, oldest first."""
        return f"{self.prefix}events"

    @property
    def deploy_index(self) -> str:
        """Sorted set, bounded by `Retention.happened`: "target number" of the newest deploys of all targets ->
        when each was created (ms, with a fraction for those of one millisecond)."""
        return f"{self.prefix}deploy-index"

    @property
    def log_requests(self) -> str:
        """Stream, bounded by `Retention.requests`, expires `Retention.relayed_for` after the last: who reads
        which log (LogRequest, JSON)."""
        return f"{self.prefix}log-requests"

    @property
    def counts(self) -> str:
        """Hash: "target what" -> how often it happened, kept until the target is retired; what is an event's
        kind, or the state that a deploy came to and, behind a space, its cause."""
        return f"{self.prefix}counts"

    @property
    def receivers(self) -> str:
        """Hash, kept, one field for each receiver of notifications: name -> ReceiverState (JSON)."""
        return f"{self.prefix}receivers"

    @property
    def dead_letters(self) -> str:
        """Stream, bounded by `Retention.dead_letters`: messages that were given up (DeadLetter, JSON)."""
        return f"{self.prefix}dead-letters"

    def requested(self, receiver: str) -> str:
        """Stream, bounded by `Retention.requested`: messages that a person wants sent now (Message,
        JSON), each with the id of its request."""
        return f"{self.prefix}requested:{receiver}"

    @property
    def tokens(self) -> str:
        """Hash, one field for each API token: its SHA-256 -> Token (JSON)."""
        return f"{self.prefix}tokens"

    def session(self, digest: str) -> str:
        """String, expires after the setting `DISPATCHER_SESSION`: Session (JSON), by the SHA-256 of its
        cookie."""
        return f"{self.prefix}session:{digest}"

    def sign_in_link(self, digest: str) -> str:
        """String, deleted by its first use, expires after `Retention.sign_in_link`: SHA-256 of the API token
        that the link signs in with, by the SHA-256 of the link's code."""
        return f"{self.prefix}sign-in-link:{digest}"

    def sign_in_failures(self, address: str) -> str:
        """String, expires after `Retention.auth_failures`: how often a sign-in to the dashboard failed from an
        address, or from a /64 of IPv6."""
        return f"{self.prefix}sign-in-failures:{address}"

    @property
    def audit(self) -> str:
        """Stream, bounded by `Retention.audit`: orders and what came of them (AuditEntry, JSON)."""
        return f"{self.prefix}audit"

    @property
    def due(self) -> str:
        """Sorted set, kept: target -> when a worker has to look at it, whatever happens until then."""
        return f"{self.prefix}due"

    @property
    def paused(self) -> str:
        """String, kept while everything is paused: who and why (JSON). A target's own is in its row."""
        return f"{self.prefix}paused"

    @property
    def specs(self) -> str:
        """Hash, kept: target -> Spec (JSON), as the leading watcher publishes it. The Spec of a target that
        is no longer configured stays, marked as removed, until the cluster has none of its Jobs."""
        return f"{self.prefix}specs"

    @property
    def renamed(self) -> str:
        """Hash, kept: former name of a target -> "name time": its present name, and since when (ms)."""
        return f"{self.prefix}renamed"

    @property
    def busy(self) -> str:
        """Set, kept: targets that have Jobs in the cluster."""
        return f"{self.prefix}busy"

    @property
    def leader(self) -> str:
        """String, expires after `Timeouts.leadership`: token of the watcher that leads."""
        return f"{self.prefix}leader"

    @property
    def listed(self) -> str:
        """Hash, kept: namespace ("*" for all) -> `run_id` of the Redis server that a watcher stored a full
        LIST of it in; "begun namespace" -> `run_id` of the one that a watcher began to store a LIST in, and
        which watcher."""
        return f"{self.prefix}listed"

    @property
    def versions(self) -> str:
        """Hash, kept: namespace ("*" for all) -> newest resourceVersion of its Jobs that the leading watcher
        has seen, from a LIST or since."""
        return f"{self.prefix}versions"

    @property
    def max_running(self) -> str:
        """Hash, kept: namespace ("*" for all together) -> how many deploys may run there at once."""
        return f"{self.prefix}limits"

    @property
    def running(self) -> str:
        """Hash, kept: target -> namespace of its active deploy, which starts, runs or stops."""
        return f"{self.prefix}running"

    @property
    def waiting(self) -> str:
        """Sorted set, kept: target -> since when it waits for a concurrency slot."""
        return f"{self.prefix}waiting"

    @property
    def waiters(self) -> str:
        """Hash, kept: waiting target -> "namespace time": when it was offered a slot, 0 if it was not."""
        return f"{self.prefix}waiters"

    @property
    def watch_problems(self) -> str:
        """Hash, kept: "namespace kind" -> since when and why the leading watcher cannot watch it (JSON)."""
        return f"{self.prefix}watch-problems"

    @property
    def processes(self) -> str:
        """Hash, bounded by `Retention.most_processes`, expires `Retention.processes` after the last heartbeat:
        name -> ProcessRecord (JSON)."""
        return f"{self.prefix}processes"

    @property
    def heartbeats(self) -> str:
        """Sorted set, bounded and expires as the processes do: process -> when its last heartbeat came (ms)."""
        return f"{self.prefix}heartbeats"

    @property
    def untaken(self) -> str:
        """String, expires soon unless the leading watcher repeats it: since when (ms) the oldest wake-up has
        waited that no worker takes."""
        return f"{self.prefix}untaken"

    @property
    def repairs(self) -> str:
        """Hash, kept: kind of repair -> how many were made."""
        return f"{self.prefix}repairs"

    @property
    def repaired(self) -> str:
        """List, bounded by `Retention.repairs`: the newest repairs (JSON), newest first."""
        return f"{self.prefix}repaired"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
