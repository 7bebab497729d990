"""What RQ knows of wake-ups that workers took: which worker works on which, and which were left or failed.

Uses RQ's public interface only.
"""

from __future__ import annotations

from dataclasses import dataclass

from rq import Queue
from rq.executions import Execution

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


class RqTasks:
    """Those of one installation. Raises LedgerUnavailable."""

    def __init__(self, wake_ups: WakeUps) -> None:
        self._queue: Queue = wake_ups.queue
        self._ids: TaskIds = wake_ups.ids
        self._client = wake_ups.queue.connection

    def taken(self, most: int = 100) -> list[TakenWakeUp]:
        """The wake-ups that workers work on, at most so many."""
        with translated(self._client):
            registry = self._queue.started_job_registry
            pairs = registry.get_job_and_execution_ids(end=most - 1, cleanup=False)
            found = [self._taken(task, execution) for task, execution in pairs]
        return [each for each in found if each]

    def _taken(self, task: str, execution: str) -> TakenWakeUp | None:
        wake_up = self._ids.parse(task)
        if wake_up is None:
            return None
        try:
            known = Execution.fetch(execution, task, self._client)
        except ValueError:  # it has ended meanwhile
            return None
        since = int(known.created_at.timestamp() * 1000)
        return TakenWakeUp(known.worker_name, wake_up[0], since)
