"""What RQ knows of wake-ups that workers took: which worker works on which, and which were left or failed.

Uses RQ's public interface only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.results import Result

from dispatcher.ledger.connection import translated
from dispatcher.ledger.wakeups import TaskIds, WakeUps


@dataclass(frozen=True)
class TakenWakeUp:
    """A wake-up that a worker works on, or that was left when its worker died."""

    worker: str
    """RQ's name of it."""
    target: str
    since: int
    """When the worker took it (ms), by the clock of its host."""


@dataclass(frozen=True)
class LeftTask:
    """A wake-up that failed, or that no worker will finish."""

    id: str
    target: str
    number: int
    failed: bool
    """It is in RQ's failed registry."""
    execution: str = ""
    """Of one whose worker died while it worked on it."""


class RqTasks:
    """Those of one installation. Raises LedgerUnavailable."""

    def __init__(self, wake_ups: WakeUps) -> None:
        self._queue: Queue = wake_ups.queue
        self._ids: TaskIds = wake_ups.ids
        self._client = wake_ups.queue.connection

    def taken(self, most: int = 100) -> list[TakenWakeUp]:
        """The wake-ups that workers work on, at most so many."""
        with translated(self._client):
            return [each for _, _, each in self._executing(most) if each]

    def left(self, before: int, most: int = 1000) -> list[LeftTask]:
        """Wake-ups that failed, that a worker took before that time (ms) and never finished, or that one took
        out of the queue and never began: of each kind at most so many."""
        with translated(self._client):
            failed = self._queue.failed_job_registry.get_job_ids(0, most - 1)
            taken = [
                (task, execution)
                for task, execution, known in self._executing(most)
                if known is None or known.since < before
            ]
            popped = self._queue.intermediate_queue.get_job_ids()[:most]
        return [
            *self._tasks(((id, "") for id in failed), failed=True),
            *self._tasks(taken, failed=False),
            *self._tasks(((id, "") for id in popped), failed=False),
        ]

    def clear(self, tasks: Iterable[LeftTask]) -> None:
        """Removes them from RQ."""
        failed, started = self._queue.failed_job_registry, self._queue.started_job_registry
        with translated(self._client), self._client.pipeline(transaction=False) as pipeline:
            for task in tasks:
                failed.remove(task.id, pipeline=pipeline)
                if task.execution:
                    execution = Execution(task.execution, task.id, self._client)
                    started.remove_execution(execution, pipeline=pipeline)
                self._queue.intermediate_queue.remove(task.id)
                result = Result.get_key(task.id)  # type: ignore[no-untyped-call]
                pipeline.delete(Job.key_for(task.id), result)
            pipeline.execute()

    def _tasks(self, found: Iterable[tuple[str, str]], *, failed: bool) -> Iterator[LeftTask]:
        for id, execution in found:
            if wake_up := self._ids.parse(id):
                yield LeftTask(id, *wake_up, failed, execution)

    def _executing(self, most: int) -> Iterator[tuple[str, str, TakenWakeUp | None]]:
        """Task, execution, and what is known of it unless that has expired."""
        registry = self._queue.started_job_registry
        for task, execution in registry.get_job_and_execution_ids(end=most - 1, cleanup=False):
            if wake_up := self._ids.parse(task):
                yield task, execution, self._taken(task, wake_up[0], execution)

    def _taken(self, task: str, target: str, execution: str) -> TakenWakeUp | None:
        try:
            known = Execution.fetch(execution, task, self._client)
        except ValueError:  # it has ended meanwhile, or expired
            return None
        since = int(known.created_at.timestamp() * 1000)
        return TakenWakeUp(known.worker_name, target, since)
