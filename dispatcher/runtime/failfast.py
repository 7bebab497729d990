"""Threads and tasks end when they are told to; any other end is logged, and ends the process.

Whoever started the process starts it again. A process that goes on without one of its threads looks well and
does half of its work.
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
    """As somebody from outside would: what was begun is finished first."""
    os.kill(os.getpid(), signal.SIGTERM)


def watch_threads(end: End = end_process) -> None:
    """From now on, of all threads of the process."""

    def died(thread: threading.ExceptHookArgs) -> None:
        name = thread.thread.name if thread.thread else "unknown"
        error = thread.exc_value or thread.exc_type()
        log.critical("a thread ended unexpectedly: the process ends", thread=name, exc_info=error)
        end()

    threading.excepthook = died
