"""`/api/v1/events`: what happens to deploys and targets, as Server-Sent Events or as pages of what happened.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache

import msgspec
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from dispatcher.domain.access import Caller
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.event import EventKind
from dispatcher.http.api import filters
from dispatcher.http.api.requests import page_limit
from dispatcher.http.api.schemas.events import EventPage, GapInfo, StreamedEventInfo
from dispatcher.http.api.serializers.events import streamed_event_info
from dispatcher.http.connection.bodies import MIB
from dispatcher.http.events.hub import EventHub
from dispatcher.http.events.stream import Batch, EventStream
from dispatcher.http.permissions import caller_of, may_see
from dispatcher.http.responses import HEADERS, ErrorResponse, json_response
from dispatcher.ledger import Events, Store, StreamedEvent
from dispatcher.matching.globs import Rules

MOST, USUAL = 500, 100
"""Events in one response."""
MOST_BYTES = MIB
"""Of events in one response, unless its first one alone has more."""
STEP, STEPS = 500, 10
"""Events that are read at a time, and how often for one response."""
ID = re.compile(r"\d{1,16}-\d{1,16}")
STREAM = "text/event-stream"
STREAM_HEADERS = {**HEADERS, "X-Accel-Buffering": "no"}  # else nginx gathers what it passes on
RECONNECT = b"retry: 2000\n\n"
"""Milliseconds after which a browser asks again."""

Identify = Callable[[Headers], Awaitable[Caller | None]]


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """Which events a caller asks for and may see."""

    caller: Caller
    target: Rules | None
    kinds: frozenset[EventKind]

    @classmethod
    def of(cls, request: Request) -> EventFilter:
        return cls(
            caller=caller_of(request),
            target=filters.globs(request, "target"),
            kinds=filters.choice(request, "kind", EventKind),
        )

    def wants(self, streamed: StreamedEvent) -> bool:
        """An event of all targets concerns each of them."""
        if streamed.event.kind not in self.kinds:
            return False
        name = streamed.target
        return not name or (may_see(self.caller, name) and filters.matches(self.target, name))


class EventLog:
    """The endpoint. `identify` says whose valid token a request has: a stream ends when that changes."""

    def __init__(self, hub: EventHub, store: Store, identify: Identify) -> None:
        self._hub, self._events, self._identify = hub, Events(store), identify

    async def events(self, request: Request) -> Response:
        wanted, after = EventFilter.of(request), _last_event_id(request)
        if STREAM in request.headers.get("accept", "") and request.method == "GET":
            _refuse(request, "limit", "cursor", only="for pages: send `Accept: application/json`")
            return await self._stream(request, wanted, after)
        _refuse(request, "after", only=f"for a stream: send `Accept: {STREAM}`")
        limit, cursor = page_limit(request, USUAL, MOST), filters.position(request, ID)
        return json_response(await to_thread.run_sync(self._page, wanted, cursor, limit))

    async def _stream(self, request: Request, wanted: EventFilter, after: str) -> Response:
        subscription = self._hub.subscribe(wanted.caller.name)

        async def still_permitted() -> bool:
            try:
                return await self._identify(request.headers) == wanted.caller
            except LedgerUnavailable:
                return False

        stream = EventStream(
            hub=self._hub,
            subscription=subscription,
            events=self._events,
            after=after,
            wants=wanted.wants,
            still_permitted=still_permitted,
        )
        try:
            begun = await stream.begin()
        except BaseException:
            self._hub.leave(subscription)
            raise
        return _EventStreamResponse(stream, begun, lambda: self._hub.leave(subscription))

    def _page(self, wanted: EventFilter, cursor: str, limit: int) -> EventPage:
        found: list[StreamedEventInfo] = []
        size = 0
        for _ in range(STEPS):
            step = self._events.before(cursor, STEP)
            for streamed in filter(wanted.wants, step):
                info = streamed_event_info(streamed)
                size += len(msgspec.json.encode(info))
                if found and (size > MOST_BYTES or len(found) == limit):
                    return EventPage(events=tuple(found), next=found[-1].id)
                found.append(info)
            if len(step) < STEP:
                return EventPage(events=tuple(found))
            cursor = step[-1].id
        return EventPage(events=tuple(found), next=cursor)


class _EventStreamResponse(StreamingResponse):
    """Makes room for another subscriber as soon as the client has gone."""

    def __init__(self, stream: EventStream, begun: Batch, leave: Callable[[], None]) -> None:
        self._frames, self._leave = _frames(stream, begun), leave
        super().__init__(self._frames, headers=STREAM_HEADERS, media_type=STREAM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()
            await self._frames.aclose()


async def _frames(stream: EventStream, begun: Batch) -> AsyncGenerator[bytes]:
    yield RECONNECT
    async with aclosing(stream.batches(begun)) as batches:
        async for batch in batches:
            yield _written(batch)


def _written(batch: Batch) -> bytes:
    """The id alone moves where the client goes on, and is no event for it."""
    gap = _gap(batch.position) if batch.gap else b""
    events = b"".join(map(_frame, batch.events))
    return gap + (events or b": sign of life\n") + f"id: {batch.position}\n\n".encode()


@lru_cache(maxsize=1_000)
def _frame(streamed: StreamedEvent) -> bytes:
    """One text for all subscribers. JSON has no line breaks of its own."""
    return b"id: %s\ndata: %s\n\n" % (
        streamed.id.encode(),
        msgspec.json.encode(streamed_event_info(streamed)),
    )


def _gap(position: str) -> bytes:
    return b"event: gap\ndata: %s\n\n" % msgspec.json.encode(GapInfo(after=position))


def _last_event_id(request: Request) -> str:
    """Where a client was that connects again; "" for what happens from now on."""
    given = request.headers.get("last-event-id"), request.query_params.get("after")
    sent = [each for each in given if each]
    if not all(map(ID.fullmatch, sent)):
        raise ErrorResponse(
            400,
            "invalid_cursor",
            "Last-Event-ID and after must be the id of an event, or not there",
        )
    return sent[0] if sent else ""


def _refuse(request: Request, *names: str, only: str) -> None:
    for name in names:
        if name in request.query_params:
            message = f"The query parameter {name} is only {only}"
            raise ErrorResponse(400, "invalid_parameter", message)
