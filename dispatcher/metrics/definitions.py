"""Every metric that a process serves: name, kind, labels, and which processes have it. Values only.

Names and labels are a contract: docs/metrics.md lists the same, dashboards and alerts are written with them.
A label's values are names from the configuration or a closed list, never what a push says: no ref, commit or
address.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Process(StrEnum):
    """Who serves a metric."""

    WEB = "web"
    WORKER = "worker"
    WATCHER = "watcher"
    LEADER = "leader"  # the watcher that leads, and no other


class MetricKind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Definition:
    """One metric."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...]
    processes: frozenset[Process]
    buckets: tuple[float, ...] = ()
    """Of a histogram: upper bounds in seconds."""


ROUND_TRIPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
CALLS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
PHASES = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 10_800)

PREFIX = "git_dispatcher_"
EVERY = "web worker watcher"
OF_TARGET = "target namespace"


def _metric(
    name: str, help: str, labels: str, processes: str, buckets: tuple[float, ...] = ()
) -> Definition:
    kind = MetricKind.GAUGE
    if buckets:
        kind = MetricKind.HISTOGRAM
    elif name.endswith("_total"):
        kind = MetricKind.COUNTER
    served_by = frozenset(map(Process, processes.split()))
    return Definition(PREFIX + name, kind, help, tuple(labels.split()), served_by, buckets)


DEFINITIONS = (
    # The process itself
    _metric("build_info", "1; what runs", "version process", EVERY),
    _metric("ledger_up", "Whether Redis answered during this scrape", "", EVERY),
    _metric("ledger_writable", "Whether Redis accepted a write during this scrape", "", EVERY),
    _metric("ledger_round_trip_duration_seconds", "Round trips to Redis", "", EVERY, ROUND_TRIPS),
    _metric("ledger_errors_total", "Round trips to Redis that failed", "error", EVERY),
    _metric(
        "config_load_timestamp_seconds",
        "When the configuration in use was loaded",
        "",
        "web watcher",
    ),
    _metric(
        "config_last_load_successful",
        "0 while the files hold a configuration that was refused",
        "",
        "web watcher",
    ),
    _metric(
        "config_fingerprint",
        "A number made from the configuration in use: processes with another one differ in it",
        "",
        "web watcher",
    ),
    # Deliveries
    _metric("deliveries_total", "Authenticated deliveries", "hook event outcome", "web"),
    _metric("pushes_total", "Pushes, once for each target", "hook outcome", "web"),
    _metric(
        "rejections_total",
        'Requests to hooks that were not taken; hook "" for names that no hook has',
        "hook reason",
        "web",
    ),
    _metric(
        "delivery_duration_seconds",
        "From the arrival of a delivery to its answer",
        "",
        "web",
        CALLS,
    ),
    _metric("connections_open", "Open connections", "", "web"),
    _metric(
        "connections_refused_total",
        "Connections that were answered with 503, since DISPATCHER_CONNECTIONS were open",
        "",
        "web",
    ),
    # Deploys
    _metric(
        "deploy_phase_duration_seconds",
        "How long each phase of deploys took",
        "phase namespace",
        "web worker leader",
        PHASES,
    ),
    _metric(
        "deploy_states_total",
        "How often deploys came to a state",
        f"{OF_TARGET} state cause",
        "leader",
    ),
    _metric(
        "deploy_events_total",
        "How often something else happened to deploys",
        f"{OF_TARGET} event",
        "leader",
    ),
    _metric("deploys_pending", "Deploys that wait", OF_TARGET, "leader"),
    _metric(
        "deploy_pending_oldest_age_seconds",
        "For how long the oldest waiting deploy has been waiting",
        OF_TARGET,
        "leader",
    ),
    _metric(
        "deploys_active",
        "Deploys that start, run or stop",
        f"{OF_TARGET} state cause",
        "leader",
    ),
    _metric(
        "deploy_active_oldest_age_seconds",
        "For how long the oldest active deploy has had its Job",
        OF_TARGET,
        "leader",
    ),
    _metric("targets", "Configured targets", "namespace", "leader"),
    _metric(
        "target_trouble",
        "Targets that something holds up, with the state and cause of the deploy concerned",
        f"{OF_TARGET} state cause",
        "leader",
    ),
    _metric(
        "target_last_outcome",
        "Targets by how their newest deploy ended that ran to an end",
        f"{OF_TARGET} state cause",
        "leader",
    ),
    _metric(
        "target_last_outcome_timestamp_seconds",
        "When the newest deploy ended that ran to an end",
        OF_TARGET,
        "leader",
    ),
    _metric(
        "target_last_success_timestamp_seconds",
        "When the newest successful deploy ended",
        OF_TARGET,
        "leader",
    ),
    _metric(
        "target_paused_timestamp_seconds",
        'Since when a target is paused; target "" and namespace "" for everything',
        OF_TARGET,
        "leader",
    ),
    # What waits
    _metric("wake_ups_waiting", "Wake-ups in the RQ queue", "", "leader"),
    _metric(
        "wake_up_oldest_age_seconds",
        "For how long the oldest wake-up has been in the RQ queue",
        "",
        "leader",
    ),
    _metric(
        "processes",
        "Processes of the installation by their last heartbeat",
        "process liveness",
        "leader",
    ),
    _metric(
        "slots_limit",
        'Concurrency slots; namespace "*" for all together',
        "namespace",
        "leader",
    ),
    _metric("slots_used", "Concurrency slots that are taken", "namespace", "leader"),
    _metric("slots_waiting", "Targets that wait for a concurrency slot", "namespace", "leader"),
    _metric(
        "slot_oldest_wait_seconds",
        "For how long a target has been waiting for a concurrency slot",
        "namespace",
        "leader",
    ),
    # The work
    _metric("reconcile_duration_seconds", "Reconciles of a target", "", "worker", CALLS),
    _metric(
        "kubernetes_requests_total",
        'Requests to the API server; code "none" for no answer',
        "verb resource code",
        "worker watcher",
    ),
    _metric(
        "kubernetes_request_duration_seconds",
        "From a request to the API server to the beginning of its answer",
        "verb resource",
        "worker watcher",
        CALLS,
    ),
    _metric(
        "kubernetes_circuit_open",
        'Namespaces that are left alone for a moment, since they did not answer; "" for the API server',
        "namespace",
        "worker watcher",
    ),
    # Observation
    _metric("leader", "1 in the watcher that leads, 0 in the others", "", "watcher"),
    _metric(
        "namespace_synced",
        'Whether a namespace was listed and is being watched; "" for all',
        "namespace resource",
        "leader",
    ),
    _metric("watch_restarts_total", "Watches that ended", "namespace resource reason", "leader"),
    _metric(
        "watch_last_event_timestamp_seconds",
        "When the newest event or bookmark came",
        "namespace resource",
        "leader",
    ),
    _metric(
        "watch_last_list_timestamp_seconds",
        "When the newest complete LIST came",
        "namespace resource",
        "leader",
    ),
    _metric("repairs_total", "Repairs", "kind", "leader"),
    _metric(
        "hook_last_delivery_timestamp_seconds",
        "When a hook's newest authenticated delivery came",
        "hook",
        "leader",
    ),
    _metric("redis_memory_used_bytes", "Memory that Redis uses", "", "leader"),
    _metric("redis_memory_max_bytes", "Redis' maxmemory; 0 for no limit", "", "leader"),
    _metric(
        "ledger_gauges_duration_seconds",
        "How long this scrape read the ledger",
        "",
        "leader",
    ),
)
"""In the order of docs/metrics.md."""

BY_NAME = {each.name: each for each in DEFINITIONS}
