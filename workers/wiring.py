"""Puts the parts of a worker or watcher together, from the environment."""

from __future__ import annotations

import os
from functools import partial

from dispatcher.config import Environment, read_environment
from dispatcher.config.reloading import Reloader
from dispatcher.ledger import (
    Gauges,
    Keys,
    LogRequests,
    Processes,
    Repairs,
    RoundTrip,
    Schedule,
    Slots,
    Store,
    Targets,
    Timeouts,
    WakeUps,
    connect,
)
from dispatcher.metrics.cluster import ClusterMetrics
from dispatcher.metrics.configuration import add_configuration
from dispatcher.metrics.leader import LeaderMetrics
from dispatcher.metrics.ledger import PROBE_TIMEOUT, LedgerMetrics, LedgerProbe
from dispatcher.metrics.registry import Registry
from dispatcher.metrics.server import MetricsServer
from dispatcher.metrics.watcher import WatcherMetrics
from dispatcher.metrics.worker import WorkerMetrics
from workers.heartbeat import Beat
from workers.kube.client import Access, Cluster
from workers.logs.relays import WAIT_SECONDS, LogAccess
from workers.notify.courier import LONGEST_WAIT
from workers.reconcile.reconciler import Reconciler
from workers.watch.watcher import Watcher

SCRAPE_TIMEOUT = 3.0
"""Time-out for one round trip of a scrape in seconds."""


def environment() -> Environment:
    """Raises ConfigError."""
    return read_environment(os.environ)


def store(
    settings: Environment, metrics: LedgerMetrics | None = None, *, timeout: float = 3.0
) -> Store:
    client = connect(_url(settings), timeout=timeout, observe=_observer(metrics))
    return Store(client, Keys(settings.instance), timeouts=Timeouts(lease=settings.lease * 1000))


def log_requests(settings: Environment) -> LogRequests:
    """With a client of its own: its calls wait."""
    return LogRequests(store(settings, timeout=WAIT_SECONDS + 10))


def wake_ups(
    settings: Environment, metrics: LedgerMetrics | None = None, *, timeout: float = 3.0
) -> WakeUps:
    client = connect(_url(settings), timeout=timeout, text=False, observe=_observer(metrics))
    return WakeUps(client, settings.queue, settings.instance)


def cluster(settings: Environment, metrics: ClusterMetrics | None = None) -> Cluster:
    """Raises ClusterError where there is no access to one."""
    access = Access(settings.kubeconfig, settings.kube_context)
    if metrics is None:
        return Cluster(access)
    made = Cluster(access, requested=metrics.requested)
    metrics.follow(made.open_circuits)
    return made


def reconciler(settings: Environment, metrics: WorkerMetrics) -> Reconciler:
    """Raises ClusterError where there is no access to a cluster."""
    shared = store(settings, metrics.ledger)
    return Reconciler(
        Targets(shared),
        Slots(shared),
        Schedule(shared),
        Repairs(shared),
        cluster(settings, metrics.cluster),
        settings.instance,
        wake_ups(settings, metrics.ledger).enqueue,
        recorded=metrics.phases.recorded,
    )


def watcher(
    settings: Environment, source: Reloader, metrics: WatcherMetrics, beat: Beat
) -> Watcher:
    """Raises ClusterError where there is no access to a cluster."""
    shared = cluster(settings, metrics.cluster)
    made = Watcher(
        store(settings, metrics.ledger),
        wake_ups(settings, metrics.ledger),
        shared,
        source,
        settings.instance,
        beat,
        settings.pause_reminder,
        LogAccess(log_requests(settings), shared, settings.logs),
        telemetry=metrics,
        open_store=partial(store, settings, timeout=LONGEST_WAIT + 5),
    )
    add_configuration(metrics.registry, source)
    own = store(settings, timeout=SCRAPE_TIMEOUT)
    leader = LeaderMetrics(
        Gauges(own),
        wake_ups(settings, timeout=SCRAPE_TIMEOUT),
        Processes(own),
        made.token,
        lambda: metrics.leads,
        lambda: {name: each.namespace for name, each in source.current.targets.items()},
        settings.metrics_targets,
    )
    leader.add_to(metrics.registry)
    return made


def serve_metrics(settings: Environment, registry: Registry) -> MetricsServer | None:
    """Serves them where DISPATCHER_METRICS_PORT says so. Raises UsageError."""
    LedgerProbe(registry, store(settings, timeout=PROBE_TIMEOUT))
    if not settings.metrics_port:
        return None
    server = MetricsServer(registry, settings.metrics_host, settings.metrics_port)
    server.start()
    return server


def _observer(metrics: LedgerMetrics | None) -> RoundTrip | None:
    return metrics.round_trip if metrics else None


def _url(settings: Environment) -> str:
    return settings.redis_url.reveal().decode()
