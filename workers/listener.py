"""Takes wake-ups out of RQ's queue for as long as it is left to, whatever becomes of Redis.

RQ's worker ends at most troubles of Redis, tells every attempt, and waits for up to a minute between two. So
one is begun anew a second after the last has ended, and the log says only that Redis went and came back.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
from types import FrameType, TracebackType
from typing import Any

import redis
import structlog
from rq import SimpleWorker
from rq.exceptions import DeserializationError
from rq.serializers import JSONSerializer

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.ledger.connection import translated
from workers.heartbeat import Beat
from workers.rqtask import RqTask, TaskRefused

PAUSE = 1.0
"""Seconds between the end of one worker of RQ's and the start of the next."""
WAITS = 60
"""Seconds that a worker waits for a task before it says that it is alive and waits again."""
RQ_MARGIN = 15
"""Seconds by which RQ's own wait is shorter than the time for which it takes a worker to be alive."""

log = structlog.get_logger()


class Listener:
    """Run it in the main thread: it takes over SIGTERM and SIGINT, which end it."""

    def __init__(self, client: redis.Redis, queue: str, beat: Beat = lambda: None) -> None:
        self._client, self._queue, self.beat = client, queue, beat
        self._stopped = threading.Event()
        self._said = ""

    def run(self) -> None:
        """Returns once it was told to stop, and the task that was begun is finished."""
        while not self._stopped.is_set():
            self._take_signals()
            self.beat()
            try:
                with translated(self._client):
                    self._worker().work(logging_level="CRITICAL")
            except LedgerUnavailable as error:
                self.away(error)
            self._take_signals()
            self._stopped.wait(PAUSE)

    def stop(self, *_: Any) -> None:
        self._stopped.set()

    def away(self, error: LedgerUnavailable) -> None:
        if self._said != "away" and not self._stopped.is_set():
            log.error("Redis is unavailable", reason=str(error))
        self._said = "away"

    def listening(self) -> None:
        if self._said != "listening":
            log.info("listening", queue=self._queue)
        self._said = "listening"

    def _take_signals(self) -> None:
        """RQ's worker has its own handlers while it works."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)

    def _worker(self) -> _Worker:
        worker = _Worker(
            [self._queue],
            name=_name(),
            connection=self._client,
            job_class=RqTask,
            serializer=JSONSerializer,
            exception_handlers=[_failed],
            worker_ttl=WAITS + RQ_MARGIN,
        )
        worker.listener = self
        return worker


class _Worker(SimpleWorker):
    """Runs tasks in its own process: they are short and never wait for a Job."""

    listener: Listener

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        super().bootstrap(*args, **kwargs)
        self.listener.listening()

    def subscribe(self) -> None:
        """RQ's remote commands are not used, and neither is the thread that waits for them."""

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """Ends RQ's own way of waiting for Redis: it only sees errors of redis-py's."""
        with translated(self.connection):
            super().heartbeat(*args, **kwargs)
        self.listener.beat()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.listener.stop()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def _name() -> str:
    """For `rq info`. Not only host and process id: a restarted container has both again, and RQ
    refuses the name of a worker that was killed until it has timed out."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


def _failed(
    task: Any, kind: type[BaseException], error: BaseException, trace: TracebackType
) -> None:
    """A wake-up that came to nothing: the target is woken again when it is due."""
    if isinstance(error, LedgerUnavailable):
        log.warning("wake-up given up", task=task.id, why=str(error))
    elif isinstance(error, TaskRefused):
        log.error("task refused", task=task.id, why=str(error))
    elif isinstance(error, DeserializationError):
        log.error("task refused", task=task.id, why="its data is not that of a wake-up, as JSON")
    else:
        log.error("wake-up failed", task=task.id, exc_info=(kind, error, trace))
