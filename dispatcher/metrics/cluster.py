"""Requests to the Kubernetes API, and the namespaces that the circuit breaker leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dispatcher.metrics.registry import Registry


class ClusterMetrics:
    """Its method is called after each request, in the thread that made it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._requests = registry.counter("kubernetes_requests_total")
        self._durations = registry.histogram("kubernetes_request_duration_seconds")

    def requested(self, verb: str, resource: str, code: str, seconds: float) -> None:
        self._requests.labels(verb, resource, code).inc()
        self._durations.labels(verb, resource).observe(seconds)

    def follow(self, open_circuits: Callable[[], Iterable[str]]) -> None:
        """`open_circuits` returns the namespaces, "" for the API server."""
        name = "kubernetes_circuit_open"
        self._registry.collect(
            (name,), lambda: {name: {(namespace,): 1.0 for namespace in open_circuits()}}
        )
