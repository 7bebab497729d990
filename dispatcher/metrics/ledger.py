"""What a process sees of Redis: its round trips, and whether it answers and accepts writes."""

from __future__ import annotations

from collections.abc import Mapping

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.ledger import Store, check_writes
from dispatcher.metrics.registry import Registry, Samples

PROBE_TIMEOUT = 1.0
"""Time-out for Redis in seconds during a scrape: Prometheus gives up after ten."""


class LedgerMetrics:
    """Round trips. Its method is called after each, in the thread that made it."""

    def __init__(self, registry: Registry) -> None:
        self._durations = registry.histogram("ledger_round_trip_duration_seconds")
        self._errors = registry.counter("ledger_errors_total")

    def round_trip(self, seconds: float, failure: str) -> None:
        self._durations.observe(seconds)
        if failure:
            self._errors.labels(failure).inc()


class LedgerProbe:
    """Whether Redis works, as of the scrape that asks."""

    def __init__(self, registry: Registry, store: Store) -> None:
        """`store` has a client of its own, with PROBE_TIMEOUT."""
        self._store = store
        registry.collect(("ledger_up", "ledger_writable"), self._read)

    def _read(self) -> Mapping[str, Samples]:
        up, writable = self._look()
        return {"ledger_up": {(): up}, "ledger_writable": {(): writable}}

    def _look(self) -> tuple[bool, bool]:
        try:
            self._store.now()
        except LedgerUnavailable:
            return False, False
        try:
            check_writes(self._store.client, self._store.keys.leader)
        except LedgerUnavailable:
            return True, False
        return True, True
