"""RQ's entry points. A task is a wake-up and says nothing but which target to look at."""

from __future__ import annotations

from functools import cache

from workers.wiring import reconciler


@cache
def _reconciler():  # type: ignore[no-untyped-def]
    return reconciler()


def reconcile(target: str) -> None:
    """What every wake-up runs, by its dotted name."""
    _reconciler().reconcile(target)
