"""Wake-ups: RQ tasks that say nothing but "look at this target". Uses RQ's public interface only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from dispatcher.ledger.connection import translated

TASK = "workers.tasks.reconcile"
"""By name, not by import: web does not know the worker's code."""


@dataclass(frozen=True)
class WakeUp:
    """One wake-up of one target; the number is the target's own count of them."""

    target: str
    number: int
    why: str
    found: str = ""
    """What was wrong with the target when it was due, "" for nothing: see `wake.lua`."""

    @property
    def task_id(self) -> str:
        return f"{self.target}-wake-{self.number}"

    @property
    def description(self) -> str:
        return f"{self.target}: {self.why}"


class WakeUps:
    """Puts wake-ups into the queue, all in one round trip. Raises LedgerUnavailable."""

    def __init__(
        self, client: redis.Redis, queue: str, instance: str = "default", *, task_timeout: int = 60
    ) -> None:
        self._client = client
        # RQ's tasks of all queues share one space of names.
        self._prefix = "" if instance == "default" else f"{instance}_"
        self._timeout = task_timeout
        self.queue = Queue(queue, connection=client, serializer=JSONSerializer)

    def enqueue(self, wake_ups: Iterable[WakeUp]) -> None:
        tasks = [self._task(wake_up) for wake_up in wake_ups]
        if not tasks:
            return
        with translated(self._client):
            pipeline = self._client.pipeline(transaction=True)
            self.queue.enqueue_many(tasks, pipeline=pipeline)
            pipeline.execute()

    def _task(self, wake_up: WakeUp):  # type: ignore[no-untyped-def]  # RQ's own named tuple
        return Queue.prepare_data(
            TASK,
            args=(wake_up.target,),
            job_id=self._prefix + wake_up.task_id,
            description=wake_up.description,
            timeout=self._timeout,
            result_ttl=0,
            failure_ttl=86400,
        )
