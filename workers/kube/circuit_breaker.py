"""Namespaces that do not answer, each left alone for a moment: its targets must not keep the workers busy.

An admission webhook that hangs makes every request to its namespace wait until time is up. A worker that
waits takes up no other target.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dispatcher.domain.errors import ClusterUnavailable

LONG = 1.0
"""Seconds from which on a request that came to nothing has kept its worker from something else."""
AWHILE = 5.0
"""Seconds for which a namespace is left alone then."""


class Silence:
    """One worker's memory of who has not answered; short."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    @contextmanager
    def around(self, what: str, path: str) -> Iterator[None]:
        """Around a request. Raises ClusterUnavailable without sending it, where there was no answer lately."""
        if path.endswith("/log"):  # a log comes from its node, whose silence is not the namespace's
            yield
            return
        namespace = _namespace(path)
        left = self._until.get(namespace, 0.0) - self._clock()
        if left > 0:
            text = f"could not {what}: {namespace} did not answer a moment ago"
            raise ClusterUnavailable(text, left, sent=False)
        began = self._clock()
        try:
            yield
        except ClusterUnavailable:
            if self._clock() - began >= LONG:
                self._until[namespace] = self._clock() + AWHILE
            raise


def _namespace(path: str) -> str:
    found = re.search("/namespaces/([^/?]+)", path)
    return f"namespace {found[1]}" if found else "the API server"
