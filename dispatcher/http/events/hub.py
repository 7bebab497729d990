"""Reads the ledger's events for all subscribers of a process, and hands each event to each of them.

It must never hold up the intake: nobody waits for a subscriber. One who is too far behind is cut off, and goes
on from where it was when it asks again.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import TypeVar

import structlog
from anyio import CapacityLimiter, to_thread

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.http.responses import RETRY_AFTER, ErrorResponse
from dispatcher.ledger import Events, StreamedEvent

AT_ONCE = 500
"""Most events of one read."""
BLOCK = 5_000
"""Milliseconds for which one read waits for an event. The time-out of the client must be longer."""
BEHIND = 1_000
"""Most events that wait for one subscriber."""
READY_WITHIN = 4.0
"""Seconds within which Redis has to say where the stream ends."""
RETRY = 1.0
"""Seconds until a failed read is tried again."""

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

log = structlog.get_logger()


class End(StrEnum):
    """Why a subscription ended."""

    STOPPED = "stopped"  # the process stops
    SLOW = "slow"  # its subscriber was too far behind
    INTERRUPTED = "interrupted"  # Redis was away: there may be a gap


class Subscription:
    """The events that wait for one subscriber. It ends once, and then nothing comes any more."""

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self.end: End | None = None
        self._events: deque[StreamedEvent] = deque()
        self._changed = asyncio.Event()

    def put(self, events: Sequence[StreamedEvent]) -> None:
        """Never waits."""
        if self.end is None and len(self._events) + len(events) > BEHIND:
            self.cut_off(End.SLOW)
        elif self.end is None:
            self._events.extend(events)
            self._changed.set()

    def cut_off(self, why: End) -> None:
        if self.end is None:
            self.end = why
            self._events.clear()
            self._changed.set()

    async def take(self, seconds: float) -> list[StreamedEvent]:
        """What has come; waits up to so long for the first event, or for the end."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return []
        self._changed.clear()
        if self.end is not None:
            self._changed.set()  # whoever asks again hears of the end again
        taken = list(self._events)
        self._events.clear()
        return taken


class EventHub:
    """Of one process, used in its event loop only. `follow` is a round of a background task."""

    def __init__(
        self, events: Events, most: int, most_per_caller: int, sleep: Sleep = asyncio.sleep
    ) -> None:
        """`events` reads by a connection of its own, since its reads block."""
        self._events, self._sleep = events, sleep
        self._most, self._most_per_caller = most, most_per_caller
        self._subscriptions: dict[Subscription, None] = {}
        self._callers: Counter[str] = Counter()
        self._thread = CapacityLimiter(1)  # of its own: it waits for Redis all the time
        self._wanted, self._ready = asyncio.Event(), asyncio.Event()
        self._position = ""
        self._stopped = False

    def subscribe(self, caller: str) -> Subscription:
        """Whatever happens from now on comes to the subscription, once the hub is `ready`. It must be ended by
        `leave`. Raises ErrorResponse if there are too many."""
        if self._stopped:
            raise ErrorResponse(503, "busy", "This process stops: try again", RETRY_AFTER)
        if len(self._subscriptions) >= self._most:
            raise _too_many(f"{self._most} subscribers follow the events of this process")
        if self._callers[caller] >= self._most_per_caller:
            raise _too_many(f"{caller} follows the events {self._most_per_caller} times")
        subscription = Subscription(caller)
        self._subscriptions[subscription] = None
        self._callers[caller] += 1
        self._wanted.set()
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Makes room for another; may be called again."""
        if subscription not in self._subscriptions:
            return
        del self._subscriptions[subscription]
        self._callers -= Counter({subscription.caller: 1})
        if not self._subscriptions:
            self._wanted.clear()

    @property
    def subscribers(self) -> int:
        return len(self._subscriptions)

    async def ready(self) -> None:
        """Returns once every later event comes to the subscriptions. Raises LedgerUnavailable."""
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self._ready.wait()
        except TimeoutError:
            raise LedgerUnavailable("Redis did not say where its events end") from None

    def stop(self) -> None:
        """Ends all subscriptions, since the process stops; there are no more."""
        self._stopped = True
        self._cut_off(End.STOPPED)

    async def follow(self) -> None:
        """One read; without subscribers it waits for one."""
        if not self._subscriptions:
            self._ready.clear()
            self._position = ""
            await self._wanted.wait()
        try:
            await self._read()
        except LedgerUnavailable as error:
            log.warning("events cannot be read; subscribers are cut off", error=str(error))
            self._ready.clear()
            self._position = ""
            self._cut_off(End.INTERRUPTED)
            await self._sleep(RETRY)

    async def _read(self) -> None:
        if not self._position:
            self._position = await self._in_thread(self._events.newest)
            self._ready.set()
        read = partial(self._events.after, self._position, AT_ONCE, BLOCK)
        if found := await self._in_thread(read):
            self._position = found[-1].id
            for subscription in tuple(self._subscriptions):
                subscription.put(found)

    def _cut_off(self, why: End) -> None:
        for subscription in tuple(self._subscriptions):
            subscription.cut_off(why)

    async def _in_thread(self, read: Callable[[], T]) -> T:
        # When the process stops, nobody waits for the read: its thread ends with it.
        return await to_thread.run_sync(read, abandon_on_cancel=True, limiter=self._thread)


def _too_many(why: str) -> ErrorResponse:
    message = f"{why}, and no more may: close one, or try again later"
    return ErrorResponse(429, "too_many_subscribers", message, RETRY_AFTER)
