"""RQ's entry point. A task is a wake-up: its only argument is the target to reconcile."""

from __future__ import annotations

from functools import cache

from workers.wiring import reconciler

_reconciler = cache(reconciler)


def reconcile(target: str) -> None:
    """What every wake-up runs, by its dotted name."""
    _reconciler().reconcile(target)
