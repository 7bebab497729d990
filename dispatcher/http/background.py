"""Web's background tasks: each repeats a round for as long as the process runs.

A round that fails unexpectedly is logged with its traceback, shows in `/readyz`, and is retried with
backoff. A task must not end silently.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from dispatcher.runtime.failfast import End, end_process

LONGEST_PAUSE = 30.0
"""Longest backoff between two rounds; seconds."""

Round = Callable[[], Awaitable[None]]
"""One round of a task. Handles expected errors itself."""
Sleep = Callable[[float], Awaitable[None]]

log = structlog.get_logger()


class Background:
    """The background tasks of a process, in its event loop."""

    def __init__(self, end: End = end_process, sleep: Sleep = asyncio.sleep) -> None:
        """`end` is called if a task ends unexpectedly nevertheless."""
        self._end, self._sleep = end, sleep
        self._tasks: list[asyncio.Task[None]] = []
        self._failing: dict[str, None] = {}
        self._stopping = False

    @property
    def failing(self) -> tuple[str, ...]:
        """The tasks whose last round failed."""
        return tuple(self._failing)

    def start(self, name: str, seconds: float, do: Round) -> None:
        """Starts a task that pauses for `seconds` before each round."""
        task = asyncio.get_running_loop().create_task(self._follow(name, seconds, do), name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    async def stop(self) -> None:
        """Cancels all tasks and waits until they have ended."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, name: str, seconds: float, do: Round) -> None:
        pause = seconds
        while True:
            await self._sleep(pause)
            try:
                await do()
            except Exception:
                log.exception("background task failed, and is retried", task=name)
                self._failing[name] = None
                pause = max(seconds, min(LONGEST_PAUSE, pause * 2))
            else:
                if name in self._failing:
                    log.info("background task works again", task=name)
                self._failing.pop(name, None)
                pause = seconds

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._stopping:
            return
        error = None if task.cancelled() else task.exception()
        log.critical("background task died, the process ends", task=task.get_name(), exc_info=error)
        self._end()
