"""A file whose age says whether a process is at work, for a probe that ends a process that hangs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger()

Beat = Callable[[], None]
"""Called again and again by a process's main loop: at least every `listener.WAITS` seconds."""


class Heartbeat:
    """Touches its file; without a path it does nothing.

    A file that cannot be written is logged once: the process works, and the probe will end it.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._said = False

    def beat(self) -> None:
        if self._path is None:
            return
        try:
            self._path.touch()
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._said:
            log.error("heartbeat file cannot be written", path=str(self._path), reason=str(error))
        self._said = True
