"""The metrics of a watcher: whether it leads, and what it follows of the cluster while it does."""

from __future__ import annotations

import time
from collections.abc import Callable

from dispatcher.metrics.cluster import ClusterMetrics
from dispatcher.metrics.deploys import PhaseMetrics
from dispatcher.metrics.ledger import LedgerMetrics
from dispatcher.metrics.registry import Registry


class WatcherMetrics:
    """What a watcher's parts call. `kind` is `job` or `pod`; namespace "" is all."""

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.time) -> None:
        self.registry, self._clock = registry, clock
        self.ledger, self.cluster = LedgerMetrics(registry), ClusterMetrics(registry)
        self._phases = PhaseMetrics(registry)
        self.leads = False
        self._leader = registry.gauge("leader")
        self._synced = registry.gauge("namespace_synced")
        self._restarts = registry.counter("watch_restarts_total")
        self._event = registry.gauge("watch_last_event_timestamp_seconds")
        self._list = registry.gauge("watch_last_list_timestamp_seconds")

    def leading(self, leads: bool) -> None:
        self.leads = leads
        self._leader.set(leads)

    def followed(self, namespace: str, kind: str) -> None:
        """A reflector begins to follow it: it is yet to be listed."""
        self._synced.labels(namespace, _resource(kind)).set(0)

    def listed(self, namespace: str, kind: str) -> None:
        now = self._clock()
        self._synced.labels(namespace, _resource(kind)).set(1)
        self._list.labels(namespace, _resource(kind)).set(now)
        self._event.labels(namespace, _resource(kind)).set(now)

    def received(self, namespace: str, kind: str) -> None:
        """An event of the watch, or a bookmark."""
        self._event.labels(namespace, _resource(kind)).set(self._clock())

    def lost(self, namespace: str, kind: str) -> None:
        """A LIST or WATCH failed."""
        self._synced.labels(namespace, _resource(kind)).set(0)

    def ended(self, namespace: str, kind: str, reason: str) -> None:
        """A watch ended: `expired` by its time, `gone` with its history, or `failed`."""
        self._restarts.labels(namespace, _resource(kind), reason).inc()

    def cleaned(self, namespace: str, milliseconds: int) -> None:
        """Nothing of a deploy is left in the cluster, so long after its end."""
        self._phases.cleaned(namespace, milliseconds)

    def left(self, namespace: str, kind: str) -> None:
        """It is no longer followed, or another watcher follows it."""
        for each in (self._synced, self._event, self._list):
            each.remove(namespace, _resource(kind))
        for reason in ("expired", "gone", "failed"):
            self._restarts.remove(namespace, _resource(kind), reason)


def _resource(kind: str) -> str:
    """Kubernetes' own word, as in the metrics of requests."""
    return f"{kind}s"
