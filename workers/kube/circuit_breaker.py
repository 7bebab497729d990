"""A circuit breaker for each namespace: after a time-out, no request is sent to it for a few seconds.

An admission webhook that hangs makes every request to its namespace wait until it times out. A worker that
waits reconciles no other target.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dispatcher.domain.errors import ClusterUnavailable

SLOW_SECONDS = 1.0
"""A request that fails after so many seconds opens the circuit of its namespace."""
OPEN_SECONDS = 5.0
"""Seconds for which the circuit stays open, and no request is sent."""


NAMESPACE = "namespace "


class CircuitBreaker:
    """The circuits of one worker, in memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open_until: dict[str, float] = {}

    def open_now(self) -> list[str]:
        """The namespaces whose circuits are open; "" for the API server itself."""
        now = self._clock()
        return [
            namespace.removeprefix(NAMESPACE) if namespace.startswith(NAMESPACE) else ""
            for namespace, until in self._open_until.copy().items()
            if until > now
        ]

    @contextmanager
    def guard(self, what: str, path: str) -> Iterator[None]:
        """Around a request. Raises ClusterUnavailable without sending it while the circuit is open."""
        if path.endswith("/log"):  # a node answers this, so it says nothing about the namespace
            yield
            return
        namespace = _namespace(path)
        left = self._open_until.get(namespace, 0.0) - self._clock()
        if left > 0:
            text = f"could not {what}: {namespace} did not answer a moment ago"
            raise ClusterUnavailable(text, left, sent=False)
        began = self._clock()
        try:
            yield
        except ClusterUnavailable:
            if self._clock() - began >= SLOW_SECONDS:
                self._open_until[namespace] = self._clock() + OPEN_SECONDS
            raise


def _namespace(path: str) -> str:
    found = re.search("/namespaces/([^/?]+)", path)
    return f"{NAMESPACE}{found[1]}" if found else "the API server"
