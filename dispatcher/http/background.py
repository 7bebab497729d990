"""What web does beside answering requests, round after round.

A round that fails in a way that nobody thought of is logged with its traceback, shows in `/readyz`, and is
followed by the next one, later each time. Nothing here ends without a word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from dispatcher.runtime.failfast import End, end_process

LONGEST_PAUSE = 30.0
"""Seconds between two rounds, however many have failed."""

Round = Callable[[], Awaitable[None]]
"""Raises only what is unexpected."""
Sleep = Callable[[float], Awaitable[None]]

log = structlog.get_logger()


class Background:
    """Of one process, in its event loop."""

    def __init__(self, end: End = end_process, sleep: Sleep = asyncio.sleep) -> None:
        """`end` is for a task that has ended all the same."""
        self._end, self._sleep = end, sleep
        self._tasks: list[asyncio.Task[None]] = []
        self._failing: dict[str, None] = {}
        self._stopping = False

    @property
    def failing(self) -> tuple[str, ...]:
        """The tasks whose last round failed."""
        return tuple(self._failing)

    def start(self, name: str, seconds: float, do: Round) -> None:
        """One round after the other, with a pause before each."""
        task = asyncio.get_running_loop().create_task(self._follow(name, seconds, do), name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    async def stop(self) -> None:
        """Returns once all have ended."""
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
                log.exception("background task failed: it is tried again", task=name)
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
        log.critical(
            "a task ended unexpectedly: the process ends", task=task.get_name(), exc_info=error
        )
        self._end()
