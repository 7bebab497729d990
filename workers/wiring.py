"""Puts the parts of a worker or watcher together, from the environment."""

from __future__ import annotations

import os

from dispatcher.config import Environment, read_environment
from dispatcher.ledger import (
    Keys,
    Repairs,
    Schedule,
    Slots,
    Store,
    Targets,
    Timeouts,
    WakeUps,
    connect,
)
from workers.kube.client import Access, Cluster
from workers.reconcile.reconciler import Reconciler


def environment() -> Environment:
    """Raises ConfigError."""
    return read_environment(os.environ)


def store(settings: Environment) -> Store:
    client = connect(settings.redis_url.reveal().decode())
    return Store(client, Keys(settings.instance), timeouts=Timeouts(lease=settings.lease * 1000))


def wake_ups(settings: Environment) -> WakeUps:
    client = connect(settings.redis_url.reveal().decode(), text=False)
    return WakeUps(client, settings.queue, settings.instance)


def cluster(settings: Environment) -> Cluster:
    """Raises ClusterError where there is no access to one."""
    return Cluster(Access(settings.kubeconfig, settings.kube_context))


def reconciler() -> Reconciler:
    settings = environment()
    shared = store(settings)
    return Reconciler(
        Targets(shared),
        Slots(shared),
        Schedule(shared),
        Repairs(shared),
        cluster(settings),
        settings.instance,
        wake_ups(settings).enqueue,
    )
