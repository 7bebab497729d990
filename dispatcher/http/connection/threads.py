"""Runs work in threads with a time-out, and counts each thread until it has ended.

A hanging name server can block a thread for ever. Limiting only the waiting callers would let each health
probe start another thread.
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
    """A pool of threads. Each use has its own pool, so that a hanging one does not block the others."""

    def __init__(self, most: int) -> None:
        """`most` is how many may run at a time, timed-out ones that still run included."""
        self._free = asyncio.Semaphore(most)

    async def run(self, seconds: float, work: Callable[[], T]) -> T:
        """Returns or raises what `work` does. Raises TimeoutError after `seconds`, the wait for a thread
        included; the work then goes on and keeps its thread."""
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
    """Does the work; returns a function that sets its result on the future."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  # whatever it is
        failed = error
        return lambda: answer.set_exception(failed)
    return lambda: answer.set_result(result)
