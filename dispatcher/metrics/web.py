"""What web counts of deliveries, in memory: nothing here costs a round trip."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dispatcher.domain.outcome import Result
from dispatcher.metrics.registry import Registry

OTHER = "other"
MOST_EVENTS = 30
"""Names of events that have series of their own: one who knows a hook's secret can send any."""
_EVENT = re.compile(r"[A-Za-z][A-Za-z_:. -]{0,39}")


class WebMetrics:
    """Called in web's event loop only."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._deliveries = registry.counter("deliveries_total")
        self._pushes = registry.counter("pushes_total")
        self._rejections = registry.counter("rejections_total")
        self._durations = registry.histogram("delivery_duration_seconds")
        self._phases = registry.histogram("deploy_phase_duration_seconds")
        self._events: set[str] = set()

    def delivered(self, hook: str, event: str, outcome: str, seconds: float) -> None:
        """An authenticated delivery was answered; `outcome` is one of `DeliveryOutcome`."""
        self._deliveries.labels(hook, self._known(event), outcome).inc()
        self._durations.observe(seconds)

    def pushed(self, hook: str, results: Iterable[Result]) -> None:
        for result in results:
            self._pushes.labels(hook, result.outcome).inc()

    def recorded(self, namespace: str, seconds: float) -> None:
        """A push that deploys something was recorded, so many seconds after its host's time of it."""
        self._phases.labels("recording", namespace).observe(max(0.0, seconds))

    def rejected(self, hook: str, reason: str) -> None:
        self._rejections.labels(hook, reason).inc()

    def _known(self, event: str) -> str:
        if event in self._events:
            return event
        if len(self._events) >= MOST_EVENTS or not _EVENT.fullmatch(event):
            return OTHER
        self._events.add(event)
        return event
