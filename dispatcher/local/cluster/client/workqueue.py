"""The work queue of level-triggered controllers: each key waits once and is handled alone.

A handler that fails is called again after a second. The queue must not know what the keys mean.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_RETRY_AFTER = 1.0

log = logging.getLogger(__name__)


class WorkQueue(Generic[K]):
    """Keys to handle, now or after a delay in seconds."""

    def __init__(self, handle: Callable[[K], None]) -> None:
        self._handle = handle
        self._ready: dict[K, None] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()

    def add(self, key: K) -> None:
        self._ready[key] = None
        self._wake.set()

    def add_after(self, key: K, delay: float) -> None:
        """Adds the key after a delay; of two delays the one that ends first counts."""
        loop = asyncio.get_running_loop()
        waiting = self._timers.get(key)
        if waiting and waiting.when() <= loop.time() + delay:
            return
        if waiting:
            waiting.cancel()
        self._timers[key] = loop.call_later(delay, self._due, key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def run(self) -> None:
        """Handles keys until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._ready:
                key = next(iter(self._ready))
                del self._ready[key]
                self._handle_one(key)
                await asyncio.sleep(0)

    def _handle_one(self, key: K) -> None:
        try:
            self._handle(key)
        except Exception:
            log.exception("reconciling %s failed, trying again", key)
            self.add_after(key, _RETRY_AFTER)
