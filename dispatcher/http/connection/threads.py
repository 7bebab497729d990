"""Threads that are given up when they take too long, and counted until they have ended.

A name server that hangs holds a thread for as long as it likes. Were those bounded who wait for threads, not
threads, each probe would start another.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """A few of its own for each use, so that what hangs in one use holds up no other."""

    def __init__(self, most: int) -> None:
        """`most` is how many run at a time, those included whose results nobody waits for any more."""
        self._free = asyncio.Semaphore(most)

    async def run(self, seconds: float, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Raises TimeoutError where that takes longer, the wait for a free
        thread included; the work goes on then, and keeps its thread."""
        async with asyncio.timeout(seconds):
            await self._free.acquire()
            return await self._start(work)

    def _start(self, work: Callable[[], T]) -> asyncio.Future[T]:
        loop, context = asyncio.get_running_loop(), copy_context()
        answer: asyncio.Future[T] = loop.create_future()

        def carry_out() -> None:
            settle = _settling(answer, lambda: context.run(work))
            with contextlib.suppress(RuntimeError):  # the process ends, and the loop is closed
                loop.call_soon_threadsafe(self._ended, answer, settle)

        try:
            threading.Thread(target=carry_out, name="bounded", daemon=True).start()
        except RuntimeError:  # the system has no thread to spare
            self._free.release()
            raise
        return answer

    def _ended(self, answer: asyncio.Future[T], settle: Callable[[], None]) -> None:
        self._free.release()
        if not answer.done():
            settle()


def _settling(answer: asyncio.Future[T], work: Callable[[], T]) -> Callable[[], None]:
    """Does the work; returns what tells its result to who waits."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  # whatever it is
        failed = error
        return lambda: answer.set_exception(failed)
    return lambda: answer.set_result(result)
