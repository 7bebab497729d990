"""Connections, bounded in number and in time: whoever sends slowly, or doesn't read, is let go.

What finds no room is told so and closed where it is accepted: to hold it would fill the room that there is.

uvicorn bounds the time between two requests only. Here also the time for a request's headers to arrive, for the
rest of it, whether or not anybody reads that, and for an answer to be taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import h11
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from dispatcher.http.connection.framing import Framing
from dispatcher.http.connection.limits import Crowd
from dispatcher.http.responses import RETRY_AFTER, Refusal, refusal

NOT_HTTP = Refusal(400, "not_http", "This is no HTTP/1.1 request, or its headers are too long")
CROWDED = Refusal(503, "busy", "Too many connections at a time: come again", RETRY_AFTER)
HEADER_BYTES = 64 * 1024


class Connection(H11Protocol):
    """One client's connection."""

    HEADERS_WITHIN: ClassVar[float] = 10
    """Seconds from a request's first byte, or the connection's begin, to the end of its headers."""
    REST_WITHIN: ClassVar[float] = 30
    """Seconds from there to the end of its body; longer than the endpoints wait, which answer."""
    TAKEN_WITHIN: ClassVar[float] = 30
    """Seconds for a client to read on when the answer doesn't fit into the network's buffers."""

    def __init__(self, *args: Any, crowd: Crowd, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = Framing(self.config.h11_max_incomplete_event_size or HEADER_BYTES)
        self._crowd = crowd
        self._arriving, self._leaving = Patience(self._let_go), Patience(self._let_go)
        self._resting = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._crowd.enter(self, self.client[0] if self.client else ""):
            self._arriving.start(self.HEADERS_WITHIN)
        else:
            _write(self.conn, transport, refusal(CROWDED))

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.goes(self)
        self._arriving.end()
        self._leaving.end()
        super().connection_lost(exc)

    def leave(self) -> None:
        """To make room: its last request was answered, and no other has begun to come."""
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._resting:
            self._resting = False
            self._crowd.works(self)
            self._arriving.start(self.HEADERS_WITHIN)
        super().data_received(data)

    def handle_events(self) -> None:
        """Called with what has arrived, and after an answer with what came behind its request."""
        before = self.conn.their_state, self.cycle
        super().handle_events()
        if (self.conn.their_state, self.cycle) != before:
            self._follow()

    def _follow(self) -> None:
        """The request has come a step further."""
        if self.conn.their_state is h11.SEND_BODY:
            self._arriving.start(self.REST_WITHIN)
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._arriving.start(self.HEADERS_WITHIN)
        elif not self._rest():
            self._arriving.end()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._rest()

    def _rest(self) -> bool:
        """Whether all that was asked for has been answered, and nothing has come since."""
        done = self.conn.our_state is h11.IDLE and self.conn.their_state is h11.IDLE
        self._resting = done and not self.conn.trailing_data[0] and not self.transport.is_closing()
        if self._resting:
            self._crowd.rests(self)
            self._arriving.start(self.timeout_keep_alive)
        return self._resting

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
