"""Threads are counted until they have ended, whoever waits for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from dispatcher.http.connection.threads import Threads

SOON, LONG = 0.01, 30.0


class Hanging:
    """Work that ends when it is let go; notes how many do it at once."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self._lock, self._go = threading.Lock(), threading.Event()
        self.idle = threading.Event()

    def work(self) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.idle.clear()
        self._go.wait(LONG)
        with self._lock:
            self.running -= 1
            if not self.running:
                self.idle.set()
        return "done"

    def let_go(self) -> None:
        self._go.set()


def running(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


def test_who_gives_up_frees_no_thread() -> None:
    async def scenario() -> None:
        threads, hanging = Threads(2), Hanging()
        for _ in range(20):
            with pytest.raises(TimeoutError):
                await threads.run(SOON, hanging.work)
        assert hanging.most == 2
        hanging.let_go()
        assert await threads.run(LONG, hanging.work) == "done"

    running(scenario)


def test_who_is_cancelled_frees_no_thread() -> None:
    async def scenario() -> None:
        threads, hanging = Threads(1), Hanging()
        for _ in range(5):
            task = asyncio.create_task(threads.run(LONG, hanging.work))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert hanging.most == 1
        hanging.let_go()
        assert await threads.run(LONG, hanging.work) == "done"

    running(scenario)


def test_a_thread_is_free_again_whatever_became_of_its_work() -> None:
    def fails() -> None:
        raise LookupError("no such thing")

    async def scenario() -> None:
        threads = Threads(1)
        for _ in range(3):
            with pytest.raises(LookupError, match="no such thing"):
                await threads.run(LONG, fails)
        assert await threads.run(LONG, lambda: 5) == 5

    running(scenario)


def test_a_system_without_threads_to_spare_is_an_error_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scenario() -> None:
        threads = Threads(1)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuses)
            with pytest.raises(RuntimeError, match="new thread"):
                await threads.run(LONG, lambda: 5)
        assert await threads.run(LONG, lambda: 5) == 5

    running(scenario)


def test_the_end_of_the_loop_is_no_error_of_the_thread() -> None:
    hanging = Hanging()

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            await Threads(1).run(SOON, hanging.work)

    running(scenario)
    hanging.let_go()
    assert hanging.idle.wait(LONG)
