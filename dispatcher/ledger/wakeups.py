"""Wake-ups: RQ tasks that say nothing but "look at this target". Uses RQ's public interface only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import redis
from rq import Queue
from rq.job import Job
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


@dataclass(frozen=True)
class Backlog:
    """What waits in the queue."""

    waiting: int
    oldest: datetime | None
    """When the oldest wake-up was enqueued, by the clock of who did; None if none waits."""


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

    def backlog(self) -> Backlog:
        """In three round trips."""
        with translated(self._client):
            waiting, next_ones = self.queue.count, self.queue.get_job_ids(0, 1)
            at = self._client.hget(Job.key_for(next_ones[0]), "enqueued_at") if next_ones else None
            return Backlog(waiting, _time(at))

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


def _time(raw: object) -> datetime | None:
    """As RQ writes it. Anybody may have put something else there."""
    try:
        found = datetime.fromisoformat(raw.decode()) if isinstance(raw, bytes) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
