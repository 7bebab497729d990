"""Takes wake-ups from RQ's queue until it is stopped, also across outages of Redis.

RQ's worker ends at most errors of Redis, logs every attempt to connect, and waits up to a minute between
two. So the listener starts another one a second after the last has ended, and logs only that Redis went
away and is back.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from itertools import count
from types import FrameType, TracebackType
from typing import Any

import redis
import structlog
from rq import SimpleWorker, worker_registration
from rq.exceptions import AbandonedJobError, DeserializationError
from rq.serializers import JSONSerializer

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.ledger.connection import translated
from dispatcher.runtime import identity
from workers.heartbeat import Beat
from workers.rqtask import RqTask, TaskRefused

PAUSE = 1.0
"""Seconds between the end of one RQ worker and the start of the next."""
WAITS = 10
"""Seconds that a worker waits for a task before it sends a heartbeat and waits again."""
RQ_MARGIN = 15
"""Seconds by which RQ's wait is shorter than the time after which it counts a worker as dead."""
FORGOTTEN_AFTER = 30
"""Seconds after its last heartbeat for which RQ's tools show a worker that waits for a task, and behind the
longest that a task may take, one that works on it."""

log = structlog.get_logger()


class Listener:
    """Run it in the main thread: it takes over SIGTERM and SIGINT, which end it."""

    def __init__(
        self,
        client: redis.Redis,
        queue: str,
        beat: Beat = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self._client, self._queue, self._beat = client, queue, beat
        self._numbers = count()
        self._stopped = threading.Event()
        self._logged = ""

    def run(self) -> None:
        """Returns after `stop`, once the current task is finished."""
        while not self._stopped.is_set():
            self._take_signals()
            self.beat()
            try:
                with translated(self._client):
                    self.rq_worker().work(logging_level="CRITICAL")
            except LedgerUnavailable as error:
                self.away(error)
            self._take_signals()
            self._stopped.wait(PAUSE)

    def stop(self, *_: Any) -> None:
        self._stopped.set()

    def beat(self) -> None:
        self._beat("")

    def away(self, error: LedgerUnavailable) -> None:
        if self._logged != "away" and not self._stopped.is_set():
            log.error("Redis is unavailable", reason=str(error))
        self._logged = "away"

    def listening(self) -> None:
        if self._logged != "listening":
            log.info("listening", queue=self._queue)
        self._logged = "listening"

    def _take_signals(self) -> None:
        """RQ's worker installs its own handlers while it runs."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)

    def rq_worker(self) -> SimpleWorker:
        """The next one, under a name of its own."""
        worker = _Worker(
            [self._queue],
            name=self._next_name(),
            connection=self._client,
            job_class=RqTask,
            serializer=JSONSerializer,
            exception_handlers=[_failed],
            worker_ttl=WAITS + RQ_MARGIN,
        )
        worker.listener = self
        return worker

    def _next_name(self) -> str:
        """The process's own, for `rq info`. RQ knows a worker that lost Redis for a while after its end: so
        the next one of this process has a number behind the name."""
        number = next(self._numbers)
        return f"{identity.name()}.worker-{number}" if number else identity.name()


class _Worker(SimpleWorker):
    """Runs tasks in this process: they are short and never wait for a Job."""

    listener: Listener
    _known_until: float | None = None
    """When RQ forgets this worker unless there is a heartbeat; by the monotonic clock."""

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        super().bootstrap(*args, **kwargs)
        self.listener.listening()

    def subscribe(self) -> None:
        """Starts no thread for RQ's remote commands: they are not used."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Raises LedgerUnavailable, which ends this worker: RQ waits for Redis
        only after redis-py's own errors."""
        seconds, now = timeout or FORGOTTEN_AFTER, self.listener.clock()
        known, self._known_until = self._known_until, now + seconds
        with translated(self.connection):
            super().heartbeat(seconds, pipeline)
            if known is not None and now > known:
                self._register_again(seconds)
        self.listener.beat()

    def get_heartbeat_ttl(self, job: Any, working_time: float = 0.0) -> int:
        """For a task: RQ ends it after its own time-out."""
        return int(job.timeout or self.queue_class.DEFAULT_TIMEOUT) + FORGOTTEN_AFTER

    def _register_again(self, seconds: int) -> None:
        """This process hung for so long that RQ has forgotten all but its heartbeat."""
        with self.connection.pipeline() as pipeline:
            pipeline.hset(self.key, mapping=self.serialize())
            worker_registration.register(self, pipeline)
            pipeline.expire(self.key, seconds)
            pipeline.execute()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.listener.stop()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def _failed(
    task: Any, kind: type[BaseException], error: BaseException, trace: TracebackType
) -> None:
    """A failed wake-up is not retried here: the watcher wakes the target again when it is due."""
    if isinstance(error, LedgerUnavailable):
        log.warning("wake-up given up", task=task.id, why=str(error))
    elif isinstance(error, AbandonedJobError):
        log.warning("wake-up left by a worker that is gone", task=task.id)
    elif isinstance(error, TaskRefused):
        log.error("task refused", task=task.id, why=str(error))
    elif isinstance(error, DeserializationError):
        log.error("task refused", task=task.id, why="its data is not the JSON of a wake-up")
    else:
        log.error("wake-up failed", task=task.id, exc_info=(kind, error, trace))
