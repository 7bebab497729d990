"""Ends the process when one of its threads or tasks dies unexpectedly.

Its supervisor then restarts it. A process that runs on without one of its threads looks healthy and does
only half of its work.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import structlog

End = Callable[[], None]

log = structlog.get_logger()


def end_process() -> None:
    """Sends the process SIGTERM, so that it finishes work in progress first."""
    os.kill(os.getpid(), signal.SIGTERM)


def watch_threads(end: End = end_process) -> None:
    """Calls `end` when any thread of the process dies from now on."""

    def died(thread: threading.ExceptHookArgs) -> None:
        name = thread.thread.name if thread.thread else "unknown"
        error = thread.exc_value or thread.exc_type()
        log.critical("thread died, the process ends", thread=name, exc_info=error)
        end()

    threading.excepthook = died
