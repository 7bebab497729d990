"""A client's connection with time-outs: disconnects a client that sends slowly or does not read.

Answers 503 and closes at once a connection over the connection limits.

uvicorn only limits the time between two requests. This adds time-outs for a request's headers, for its body,
whether or not an endpoint reads it, and for the client to read the response. It uses private parts of
uvicorn: docs/decisions/0008-uvicorn-protocol.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import h11
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from dispatcher.http.connection.connection_limits import ConnectionLimits
from dispatcher.http.connection.strict_parser import StrictParser
from dispatcher.http.responses import RETRY_AFTER, ErrorResponse, error_response

NOT_HTTP = ErrorResponse(
    400, "not_http", "This is not an HTTP/1.1 request, or its headers are too long"
)
BUSY = ErrorResponse(503, "busy", "Too many connections at a time: try again later", RETRY_AFTER)
HEADER_BYTES = 64 * 1024
ON_SHUTDOWN = "on_shutdown"
"""In the application's state: what to call when the server stops, before it waits for open requests.
https://asgi.readthedocs.io/en/latest/specs/lifespan.html#lifespan-state"""


class Connection(H11Protocol):
    """One client's connection."""

    HEADER_TIMEOUT: ClassVar[float] = 10
    """Seconds from a request's first byte, or the connection's start, to the end of its headers."""
    BODY_TIMEOUT: ClassVar[float] = 30
    """Seconds from there to the end of the body; longer than the endpoints', which answer 408."""
    SEND_TIMEOUT: ClassVar[float] = 30
    """Seconds for a client to go on reading when the response does not fit into the socket's buffer."""

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = StrictParser(self.config.h11_max_incomplete_event_size or HEADER_BYTES)
        self._limits = limits
        self._receiving, self._sending = Timeout(self._abort), Timeout(self._abort)
        self._is_idle = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._limits.admit(self, self.client[0] if self.client else ""):
            self._receiving.start(self.HEADER_TIMEOUT)
        else:
            _write(self.conn, transport, error_response(BUSY))

    def connection_lost(self, exc: Exception | None) -> None:
        self._limits.closed(self)
        self._receiving.end()
        self._sending.end()
        super().connection_lost(exc)

    def close_idle(self) -> None:
        """Closes the connection to make room for another; only called while it is idle."""
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._is_idle:
            self._is_idle = False
            self._limits.active(self)
            self._receiving.start(self.HEADER_TIMEOUT)
        super().data_received(data)

    def handle_events(self) -> None:
        """uvicorn calls this when data has arrived, and after a response for pipelined requests."""
        before = self.conn.their_state, self.cycle
        super().handle_events()
        if (self.conn.their_state, self.cycle) != before:
            self._follow()

    def _follow(self) -> None:
        """Starts and ends time-outs as the request progresses."""
        if self.conn.their_state is h11.SEND_BODY:
            self._receiving.start(self.BODY_TIMEOUT)
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._receiving.start(self.HEADER_TIMEOUT)
        elif not self._note_idle():
            self._receiving.end()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note_idle()

    def _note_idle(self) -> bool:
        """Marks the connection idle if all requests are answered and no data followed; whether it is idle."""
        done = self.conn.our_state is h11.IDLE and self.conn.their_state is h11.IDLE
        self._is_idle = done and not self.conn.trailing_data[0] and not self.transport.is_closing()
        if self._is_idle:
            self._limits.idle(self)
            self._receiving.start(self.timeout_keep_alive)
        return self._is_idle

    def shutdown(self) -> None:
        """uvicorn calls this on each connection when the server stops. Endless responses end then."""
        super().shutdown()
        if stop := self.app_state.get(ON_SHUTDOWN):
            stop()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._sending.start(self.SEND_TIMEOUT)

    def resume_writing(self) -> None:
        self._sending.end()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answers in JSON, like every other error, unless a response has begun."""
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            _write(self.conn, self.transport, error_response(NOT_HTTP))
        self.transport.close()

    def _abort(self) -> None:
        self.transport.abort()


class Timeout:
    """Calls `act` when the time has run out, unless it is ended first."""

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


def _write(conn: h11.Connection, transport: asyncio.Transport, response: Response) -> None:
    """Writes a response without the application, for input that is not a valid request."""
    headers = [*response.raw_headers, (b"connection", b"close")]
    for event in (
        h11.Response(status_code=response.status_code, headers=headers),
        h11.Data(data=bytes(response.body)),
        h11.EndOfMessage(),
    ):
        transport.write(conn.send(event) or b"")
    transport.close()
