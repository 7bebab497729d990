"""Says on open pages that something has happened, so that they load themselves anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from dispatcher.dashboard.rendering import HEADERS
from dispatcher.dashboard.visitors import Visitors
from dispatcher.domain.access import Caller
from dispatcher.http.api.access import CURSOR
from dispatcher.http.events.hub import EventHub, Subscription
from dispatcher.http.permissions import caller_of, may_see
from dispatcher.ledger import Events, Store, StreamedEvent

GATHER = 0.2
"""Seconds in which further events are said together with the first."""
PULSE = 15.0
"""Seconds without an event after which a stream is written to, and its visitor's session looked at."""
STREAM_HEADERS = {**HEADERS, "X-Accel-Buffering": "no"}
NOTHING = ": nothing has happened\n\n"


class Live:
    """The endpoint."""

    def __init__(self, hub: EventHub, store: Store, visitors: Visitors) -> None:
        self._hub, self._events, self._visitors = hub, Events(store), visitors

    async def stream(self, request: Request) -> Response:
        subscription = self._hub.subscribe(caller_of(request).name)
        shown = request.headers.get("last-event-id") or request.query_params.get("after", "")
        said = self._said(request, subscription, shown if CURSOR.fullmatch(shown) else "")
        return _Stream(said, self._hub, subscription)

    async def _said(
        self, request: Request, subscription: Subscription, shown: str
    ) -> AsyncGenerator[str]:
        yield "retry: 1000\n\n"
        caller, target = caller_of(request), request.query_params.get("target", "")
        await self._hub.ready()
        newest = await to_thread.run_sync(self._events.newest)
        if newest != shown:
            yield _happened(newest)
        while subscription.end is None:
            events = await subscription.take(PULSE)
            if events:
                await asyncio.sleep(GATHER)
                events += await subscription.take(0)
            news = [each.id for each in events if _concerns(each, caller, target)]
            yield _happened(news[-1]) if news else NOTHING
            if not events and await self._visitors.of(request) is None:
                return


class _Stream(StreamingResponse):
    """Makes room for another page as soon as this one is closed."""

    def __init__(
        self, said: AsyncGenerator[str], hub: EventHub, subscription: Subscription
    ) -> None:
        self._said, self._hub, self._subscription = said, hub, subscription
        super().__init__(said, headers=STREAM_HEADERS, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with aclosing(self._said):
                await super().__call__(scope, receive, send)
        finally:
            self._hub.leave(self._subscription)


def _happened(id: str) -> str:
    return f"event: happened\nid: {id}\ndata: {{}}\n\n"


def _concerns(event: StreamedEvent, caller: Caller, target: str) -> bool:
    """Whether a page changes by it: one about a target, or with "" about all that the caller may see."""
    if not event.target:
        return True
    return target in ("", event.target) and may_see(caller, event.target)
