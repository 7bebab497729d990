"""Wake-ups: RQ tasks that say nothing but "look at this target". Uses RQ's public interface only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from dispatcher.ledger.connection import translated

TASK = "workers.tasks.reconcile"
"""By name, not by import: web does not know the worker's code."""
LONGEST_TASK = 60
"""Seconds after which RQ ends a task: no worker is to be busy with one target for ever."""
FAILURE_TTL = 86400
"""Seconds for which RQ keeps a task that failed, unless the watcher clears it before."""


@dataclass(frozen=True)
class WakeUp:
    """One wake-up of one target; the number is the target's own count of them."""

    target: str
    number: int
    why: str
    found: str = ""
    """What was wrong with the target when it was due, "" for nothing: see `wake.lua`."""

    @property
    def description(self) -> str:
        """For people who look at RQ's queue."""
        return f"reconcile {self.target}: {self.why}"


class TaskIds:
    """The ids of an installation's tasks: RQ's tasks of all queues share one space of names."""

    def __init__(self, instance: str) -> None:
        self._prefix = "" if instance == "default" else f"{instance}_"
        self._form = re.compile(re.escape(self._prefix) + r"([a-z0-9-]+)-wake-(\d{1,15})", re.ASCII)

    def of(self, wake_up: WakeUp) -> str:
        return f"{self._prefix}{wake_up.target}-wake-{wake_up.number}"

    def parse(self, task_id: str) -> tuple[str, int] | None:
        """The target and the number of its wake-up; None for a task of somebody else."""
        found = self._form.fullmatch(task_id)
        return (found[1], int(found[2])) if found else None


class WakeUps:
    """Puts wake-ups into the queue, all in one round trip. Raises LedgerUnavailable."""

    def __init__(
        self,
        client: redis.Redis,
        queue: str,
        instance: str = "default",
        *,
        task_timeout: int = LONGEST_TASK,
    ) -> None:
        self._client = client
        self.ids = TaskIds(instance)
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
            job_id=self.ids.of(wake_up),
            description=wake_up.description,
            timeout=self._timeout,
            result_ttl=0,
            failure_ttl=FAILURE_TTL,
        )
