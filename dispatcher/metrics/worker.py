"""The metrics of a worker."""

from __future__ import annotations

from dispatcher.metrics.cluster import ClusterMetrics
from dispatcher.metrics.deploys import PhaseMetrics
from dispatcher.metrics.ledger import LedgerMetrics
from dispatcher.metrics.registry import Registry


class WorkerMetrics:
    """What a worker's parts call."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.ledger, self.cluster = LedgerMetrics(registry), ClusterMetrics(registry)
        self.phases = PhaseMetrics(registry)
        self._reconciles = registry.histogram("reconcile_duration_seconds")

    def reconciled(self, seconds: float) -> None:
        self._reconciles.observe(seconds)
