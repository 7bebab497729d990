"""Connections, bounded in number and in time: whoever sends slowly, or doesn't read, is let go.

uvicorn bounds the time between two requests only. Here also the time for a request's headers to arrive, for the
rest of it, whether or not anybody reads that, and for an answer to be taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import h11
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from dispatcher.http.answers import RETRY_AFTER, Refusal, refusal

NOT_HTTP = Refusal(400, "not_http", "This is no HTTP/1.1 request, or its headers are too long")
CROWDED = Refusal(503, "busy", "Too many connections at a time: come again", RETRY_AFTER)


class Connection(H11Protocol):
    """One client's connection."""

    MOST: ClassVar[int] = 1000
    """Open ones; beyond that the answer is 503 at once."""
    HEADERS_WITHIN: ClassVar[float] = 10
    """Seconds from a request's first byte, or the connection's begin, to the end of its headers."""
    REST_WITHIN: ClassVar[float] = 30
    """Seconds from there to the end of its body; longer than the endpoints wait, which answer."""
    TAKEN_WITHIN: ClassVar[float] = 30
    """Seconds for a client to read on when the answer doesn't fit into the network's buffers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._application = self.app
        self._arriving, self._leaving = Patience(self._let_go), Patience(self._let_go)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arriving.start(self.HEADERS_WITHIN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._arriving.end()
        self._leaving.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._arriving.running and self.conn.their_state is h11.IDLE:
            self._arriving.start(self.HEADERS_WITHIN)
        super().data_received(data)

    def handle_events(self) -> None:
        """Called with what has arrived, and after an answer with what came behind its request."""
        before = self.conn.their_state, self.cycle
        self.app = _crowded if len(self.connections) > self.MOST else self._application
        super().handle_events()
        if (self.conn.their_state, self.cycle) != before:
            self._follow()

    def _follow(self) -> None:
        """The request has come a step further."""
        if self.conn.their_state is h11.SEND_BODY:
            self._arriving.start(self.REST_WITHIN)
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._arriving.start(self.HEADERS_WITHIN)
        else:
            self._arriving.end()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._leaving.start(self.TAKEN_WITHIN)

    def resume_writing(self) -> None:
        self._leaving.end()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """As JSON, like every other refusal, unless an answer has been begun."""
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            _write(self.conn, self.transport, refusal(NOT_HTTP))
        self.transport.close()

    def _let_go(self) -> None:
        self.transport.abort()


class Patience:
    """A time that runs out, unless it is ended before."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._timer: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        return self._timer is not None

    def start(self, seconds: float) -> None:
        self.end()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._act)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None


async def _crowded(scope: Scope, receive: Receive, send: Send) -> None:
    answer = refusal(CROWDED)
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)


def _write(conn: h11.Connection, transport: asyncio.Transport, answer: Response) -> None:
    """Past the application, for what isn't a request that could be handed to it."""
    headers = [*answer.raw_headers, (b"connection", b"close")]
    for event in (
        h11.Response(status_code=answer.status_code, headers=headers),
        h11.Data(data=bytes(answer.body)),
        h11.EndOfMessage(),
    ):
        transport.write(conn.send(event) or b"")
    transport.close()
