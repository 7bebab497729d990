"""A file whose age shows whether a process is alive: a liveness probe restarts one that hangs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger()

Beat = Callable[[str], None]
"""A process's main loop calls it at least every `listener.WAITS` seconds, with what the process does as a
whole; "" where that is always the same."""


class HeartbeatFile:
    """Touches its file; without a path it does nothing.

    If the file cannot be written, that is logged once: the process works, and yet the probe will restart it.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._logged = False

    def beat(self) -> None:
        if self._path is None:
            return
        try:
            self._path.touch()
        except OSError as error:
            self._log_once(error)

    def _log_once(self, error: OSError) -> None:
        if not self._logged:
            log.error("heartbeat file cannot be written", path=str(self._path), reason=str(error))
        self._logged = True
