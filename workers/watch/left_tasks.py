"""Clears from RQ what workers left there, as soon as its target was reconciled again.

A worker that is killed leaves its wake-up to RQ, which calls it failed minutes later, although the watcher
has woken the target long since. What stays in RQ's failed registry is then what a person must look at: the
newest failure of each target that no worker has reconciled to the end since, and tasks that are no wake-ups.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import LONGEST_TASK, LeftTask, RqTasks, Schedule, Store, WakeUps

LOOK_EVERY = 10.0
"""Seconds."""
LEFT_AFTER = (LONGEST_TASK + 10) * 1000
"""Milliseconds after which no worker can still work on a wake-up. RQ itself waits a little longer."""


class LeftTasks:
    """Those that one leader looks for. Raises LedgerUnavailable."""

    def __init__(
        self, store: Store, wake_ups: WakeUps, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._wake_ups, self._clock = store, wake_ups, clock
        self._due = clock() + LOOK_EVERY
        self._before: frozenset[LeftTask] = frozenset()
        """What the look before found: a worker may be about to begin what it took out of the queue."""

    def look(self) -> list[Repair]:
        """The repairs to record, if it is time: one for each target whose tasks were cleared."""
        if self._clock() < self._due:
            return []
        self._due = self._clock() + LOOK_EVERY
        tasks = RqTasks(self._wake_ups)
        left = frozenset(tasks.left(self._store.now() - LEFT_AFTER))
        known, self._before = left & self._before, left
        if not known:
            return []
        settled = Schedule(self._store).settled(targets := _targets(known))
        done = [task for task in known if task.number <= settled[task.target]]
        tasks.clear([*done, *outdated(known)])
        return [_repair(name, done) for name in targets if any(t.target == name for t in done)]


def outdated(tasks: Iterable[LeftTask]) -> list[LeftTask]:
    """Failures of targets that have failed again since."""
    failed = [task for task in tasks if task.failed]
    newest = {task.target: task.number for task in sorted(failed, key=lambda task: task.number)}
    return [task for task in failed if task.number < newest[task.target]]


def _targets(tasks: Iterable[LeftTask]) -> Sequence[str]:
    return sorted({task.target for task in tasks})


def _repair(target: str, cleared: Iterable[LeftTask]) -> Repair:
    ids = sorted({task.id for task in cleared if task.target == target})
    what = (
        f"RQ kept {', '.join(ids[:3])}{' …' if ids[3:] else ''}: cleared, it was reconciled since"
    )
    return Repair(kind=Kind.LEFT_TASK, target=target, what=what)
