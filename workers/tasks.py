"""RQ's entry point. A task is a wake-up: its only argument is the target to reconcile."""

from __future__ import annotations

import time
from functools import cache

from dispatcher.metrics.registry import Registry
from dispatcher.metrics.worker import WorkerMetrics
from workers import wiring
from workers.reconcile.reconciler import Reconciler


@cache
def metrics() -> WorkerMetrics:
    """This worker's: RQ finds its task by a name, so there is nothing to pass them to it with."""
    return WorkerMetrics(Registry("worker"))


@cache
def _reconciler() -> Reconciler:
    return wiring.reconciler(wiring.environment(), metrics())


def reconcile(target: str) -> None:
    """What every wake-up runs, by its dotted name."""
    begun = time.perf_counter()
    try:
        _reconciler().reconcile(target)
    finally:
        metrics().reconciled(time.perf_counter() - begun)
