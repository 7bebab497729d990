"""What one subscriber gets: first what it has missed, then each event as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from anyio import to_thread

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.http.events.hub import EventHub, Sleep, Subscription
from dispatcher.ledger import BEGINNING, Events, StreamedEvent

SIGN_OF_LIFE = 10.0
"""Seconds after which a subscriber gets an empty batch, before which its token is looked at again."""
PAUSE = 0.1
"""Seconds between two batches: what happens meanwhile is sent together."""
PAGE = 500
"""Missed events that are read at a time."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Events for one subscriber; with none, a sign of life."""

    events: tuple[StreamedEvent, ...] = ()
    position: str
    """Where the next batch goes on, also after events that this subscriber does not want."""
    gap: bool = False
    """Events before these are missing: the ledger no longer has them."""


@dataclass(frozen=True, kw_only=True)
class EventStream:
    """Of one subscriber."""

    hub: EventHub
    subscription: Subscription
    events: Events
    after: str
    """Id of the event behind which it begins; "" for what happens from now on."""
    wants: Callable[[StreamedEvent], bool]
    still_permitted: Callable[[], Awaitable[bool]]
    """Asked now and then; when it says no, the stream ends."""
    clock: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep

    async def begin(self) -> Batch:
        """Where it begins, and whether events before that are missing. Raises LedgerUnavailable."""
        await self.hub.ready()
        return await to_thread.run_sync(self._begin)

    def _begin(self) -> Batch:
        newest = self.events.newest()
        if not self.after:
            return Batch(position=newest)
        if order(self.after) > order(newest):  # of a ledger that was lost
            return Batch(position=newest, gap=True)
        oldest = self.events.oldest()
        gap = self.after != BEGINNING and bool(oldest) and order(self.after) < order(oldest)
        return Batch(position=self.after, gap=gap)

    async def batches(self, begun: Batch) -> AsyncGenerator[Batch]:
        """`begun` and all that follows. Ends with the subscription, or when it is no longer permitted, or when
        Redis is away."""
        yield begun
        position = begun.position
        with contextlib.suppress(LedgerUnavailable):
            async for batch in self._missed(position):
                position = batch.position
                yield batch
            async for batch in self._live(position):
                yield batch

    async def _missed(self, position: str) -> AsyncGenerator[Batch]:
        while self.subscription.end is None:
            page = await to_thread.run_sync(self.events.after, position, PAGE)
            if page:
                position = page[-1].id
                yield Batch(events=self._wanted(page), position=position)
            if len(page) < PAGE:
                return

    async def _live(self, position: str) -> AsyncGenerator[Batch]:
        due = self.clock() + SIGN_OF_LIFE
        while True:
            found = await self.subscription.take(max(0.0, due - self.clock()))
            if self.subscription.end is not None:
                return
            new = [each for each in found if order(each.id) > order(position)]
            position = new[-1].id if new else position
            if is_due := self.clock() >= due:
                due = self.clock() + SIGN_OF_LIFE
                if not await self.still_permitted():
                    return
            if (wanted := self._wanted(new)) or is_due:
                yield Batch(events=wanted, position=position)
            await self.sleep(PAUSE)

    def _wanted(self, events: Iterable[StreamedEvent]) -> tuple[StreamedEvent, ...]:
        return tuple(each for each in events if self.wants(each))


def order(id: str) -> tuple[int, int]:
    """What ids of events are compared by."""
    milliseconds, _, sequence = id.partition("-")
    return int(milliseconds), int(sequence or 0)
