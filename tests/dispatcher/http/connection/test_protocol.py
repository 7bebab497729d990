"""Who sends slowly, too much, nonsense, or doesn't read: let go, while everyone else is served."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dispatcher.commands.serve import listen, server_config
from dispatcher.http.connection.bodies import ALL_TOGETHER, MIB, READ_WITHIN, SMALL
from dispatcher.http.connection.connection_limits import CONNECTIONS, PER_ADDRESS, ConnectionLimits
from dispatcher.http.connection.header_limits import HEADER_BYTES, MOST_HEADERS
from dispatcher.http.connection.protocol import Connection
from dispatcher.http.responses import HEADERS
from tests.dispatcher.http.web import Web, error
from tests.waiting import eventually

LARGE = 16 * 1024 * 1024


class Hasty(Connection):
    HEADER_TIMEOUT = 0.3
    BODY_TIMEOUT = 0.6
    SEND_TIMEOUT = 0.3


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, whether or not the body has come; `/large` with more than fits in any buffer."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    size = LARGE if scope["path"] == "/large" else 2
    await Response(b"x" * size)(scope, receive, send)


class Patient(Connection):
    """Nothing of it ends by itself while a test lasts."""

    HEADER_TIMEOUT = BODY_TIMEOUT = SEND_TIMEOUT = 600


@contextmanager
def served(limits: ConnectionLimits | None = None, kind: type[Connection] = Hasty) -> Iterator[int]:
    config = server_config(application, ConnectionLimits() if limits is None else limits, kind)
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert eventually(lambda: server.started)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served() as port:
        yield port


def connected(port: int) -> closing[socket.socket]:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(5)
    return closing(connection)


def lasts(connection: socket.socket, every: float = 0.05, what: bytes = b"a") -> float:
    """Seconds until the other side has closed, while a byte is sent now and then."""
    begun = time.monotonic()
    connection.settimeout(every)
    while time.monotonic() < begun + 5:
        try:
            connection.sendall(what)
            if connection.recv(65536) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - begun


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes, or resets the connection."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            received += part
    return received


def ask(port: int, path: str = "/") -> int:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, verify=False).status_code


def test_a_client_that_says_nothing(port: int) -> None:
    with connected(port) as connection:
        assert 0.2 < lasts(connection, what=b"") < 2


def test_headers_that_come_one_byte_at_a_time(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert 0.2 < lasts(connection) < 2


def test_the_same_after_a_request_that_was_answered(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        time.sleep(0.5)  # an idle connection may stay
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert 0.2 < lasts(connection) < 2


def test_a_body_that_nobody_reads(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        assert 0.4 < lasts(connection) < 3


def test_an_answer_that_is_not_taken(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1)
        received = len(everything(connection))

    assert received < LARGE


def test_one_that_takes_its_time_within_the_bounds(port: int) -> None:
    with connected(port) as connection:
        for _ in range(3):
            for part in (
                b"POST / HTTP/1.1\r\nHo",
                b"st: x\r\nContent-Length: 2\r\n\r\n",
                b"a",
                b"b",
            ):
                connection.sendall(part)
                time.sleep(0.1)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            time.sleep(0.4)


def test_requests_that_come_at_once_are_answered_in_turn(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert everything(connection).count(b"HTTP/1.1 200") == 4


def half_open(port: int) -> socket.socket:
    """One whose request has begun and does not end."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(10)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
    return connection


def idle(port: int) -> socket.socket:
    """One whose request was answered, kept for the next."""
    connection = half_open(port)
    assert goes_on(connection)
    return connection


def is_closed(connection: socket.socket) -> bool:
    with contextlib.suppress(ConnectionError):
        return connection.recv(1) == b""
    return True


def goes_on(connection: socket.socket) -> bool:
    """Whether a request of `half_open` can be finished."""
    connection.sendall(b"x\r\n\r\n")
    return is_answered(connection)


def is_answered(connection: socket.socket) -> bool:
    """The body is `xx`."""
    received = b""
    while not received.endswith(b"\r\n\r\nxx") and (part := connection.recv(65536)):
        received += part
    return received.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "limits", [ConnectionLimits(most=3), ConnectionLimits(per_address=3)], ids=["all", "a sender's"]
)
def test_too_many_connections_are_told_so_closed_and_make_room_again(
    limits: ConnectionLimits,
) -> None:
    with served(limits, Patient) as port:
        busy = [half_open(port) for _ in range(3)]
        assert eventually(lambda: len(limits) == 3)

        with connected(port) as one_more:  # it sends nothing: nothing of it is waited for
            head, _, body = everything(one_more).partition(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 5" in head.lower()
        assert b'"busy"' in body
        assert len(limits) == 3
        assert all(goes_on(each) for each in busy)
        for each in busy:
            each.close()
        assert eventually(lambda: len(limits) == 0)
        assert ask(port) == 200


@pytest.mark.parametrize(
    "limits", [ConnectionLimits(most=3), ConnectionLimits(per_address=3)], ids=["all", "a sender's"]
)
def test_the_longest_idle_makes_room_first(limits: ConnectionLimits) -> None:
    with served(limits, Patient) as port, contextlib.ExitStack() as stack:
        first, busy, second = idle(port), half_open(port), idle(port)
        assert eventually(lambda: len(limits) == 3)

        new = half_open(port)
        assert is_closed(first)
        newer = half_open(port)
        assert is_closed(second)
        with connected(port) as refused:
            assert everything(refused).startswith(b"HTTP/1.1 503")

        for each in (first, second, busy, new, newer):
            stack.callback(each.close)
        assert all(goes_on(each) for each in (busy, new, newer))


def test_one_that_asks_again_is_not_idle() -> None:
    limits = ConnectionLimits(most=2)
    with served(limits, Patient) as port, idle(port) as asks_again, idle(port) as stays_idle:
        asks_again.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert eventually(lambda: len(limits._idle) == 1)

        with half_open(port) as new:
            assert is_closed(stays_idle)
            assert goes_on(asks_again)
            assert goes_on(new)


def test_who_is_answered_before_the_body_is_there_is_idle_once_it_is() -> None:
    limits = ConnectionLimits(most=1)
    with served(limits, Patient) as port, connected(port) as early:
        early.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        assert is_answered(early)
        early.sendall(b"abc")
        assert eventually(lambda: len(limits._idle) == 1)

        with half_open(port) as new:
            assert is_closed(early)
            assert goes_on(new)


GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /webhooks/nobodys HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
NONSENSE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "headers without an end": b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000,
    "a length and chunks": POST
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": POST.replace(b"1.1", b"1.0") + CHUNKED + b"0\r\n\r\n",
    "a folded header": POST + b"Content-Length: 0\r\nX: a\r\n b\r\n\r\n",
    "a folded first header": b"POST / HTTP/1.1\r\n Host: x\r\nContent-Length: 0\r\n\r\n",
    "a header folded by a tab": POST + b"X: a\r\n\tb\r\nContent-Length: 0\r\n\r\n",
    "lines that end with LF alone": b"GET / HTTP/1.1\nHost: x\n\n",
    "one line that ends with LF alone": POST + b"X: a\nContent-Length: 0\r\n\r\n",
    "a head that ends with LF alone": POST + b"Content-Length: 0\r\n\n",
    "a CR alone": POST + b"X: a\rContent-Length: 0\r\n\r\n",
    "chunks that end with LF alone": POST + CHUNKED + b"0\r\n\n",
    "a trailer that ends with LF alone": POST + CHUNKED + b"0\r\nX: a\n\r\n",
    "a folded trailer": POST + CHUNKED + b"0\r\nX: a\r\n b\r\n\r\n",
    "a chunk of no size": POST + CHUNKED + b"zz\r\n",
}


@pytest.mark.parametrize("name", [name for name in NONSENSE if len(NONSENSE[name]) < 1000])
def test_nonsense_is_refused_however_it_arrives(web: Web, name: str) -> None:
    port = int(web.url.rpartition(":")[2])
    with connected(port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):
            for byte in NONSENSE[name]:
                connection.sendall(bytes([byte]))
        answers = everything(connection)

    assert answers.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("sends", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_like_everything_else(web: Web, sends: bytes) -> None:
    port = int(web.url.rpartition(":")[2])
    with connected(port) as connection:
        connection.sendall(sends)
        head, _, body = everything(connection).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400")
    assert b'"code":"not_http"' in body
    for name, value in HEADERS.items():
        assert f"{name}: {value}".lower().encode() in head.lower()
    assert b"\r\nserver:" not in head.lower()


@pytest.mark.parametrize("first", [GET, POST + b"Content-Length: 3\r\n\r\na\nb"])
def test_nonsense_behind_a_request_is_refused_and_the_request_is_not(
    port: int, first: bytes
) -> None:
    with connected(port) as connection:
        connection.sendall(first + b"GET / HTTP/1.1\nHost: x\n\n" + first)
        answers = everything(connection)

    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"400"]


def test_what_is_only_rare_is_taken(port: int) -> None:
    trailers = b"3;a=b\r\na\nb\r\n0\r\nX-After: 1\r\n\r\n"
    with connected(port) as connection:
        connection.sendall((POST + CHUNKED + trailers) * 2)
        connection.sendall(GET.replace(b"x\r", b"x\r\nConnection: close\r"))
        answers = everything(connection)

    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"200"]


def test_headers_have_bounds_in_number_and_size(web: Web) -> None:
    many = [(f"X-{n}", "x") for n in range(MOST_HEADERS)]
    long = [("X-Long", "x" * HEADER_BYTES)]
    usual = [("X-Long", "x" * (HEADER_BYTES // 2))]

    for path in ("/webhooks/github", "/webhooks/nobodys", "/livez", "/nowhere"):
        assert error(web.http.post(path, headers=many)) == (431, "headers_too_large")
        assert error(web.http.post(path, headers=long)) == (431, "headers_too_large")
    assert web.http.get("/livez", headers=usual).status_code == 200
    assert web.http.get("/livez", headers=many[:50]).status_code == 200


def test_the_bounds_are_documented() -> None:
    page = (Path(__file__).parents[4] / "docs" / "api.md").read_text()
    bounds = [
        f"more than {MOST_HEADERS} headers, or {HEADER_BYTES // 1024} KiB",
        f"{CONNECTIONS:,} connections are open, or {PER_ADDRESS} of the same address",
        f"hold {ALL_TOGETHER // MIB} MiB together, and this one is larger than {SMALL // 1024} KiB",
        f"take longer than {Connection.HEADER_TIMEOUT:g} seconds or the rest of it longer"
        f" than {Connection.BODY_TIMEOUT:g}",
        f"longer than {READ_WITHIN:g} seconds",
    ]

    assert [bound for bound in bounds if bound not in page] == []
    assert dict(re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \|$", page, re.MULTILINE)) == HEADERS


def test_who_takes_too_long_for_a_body_hears_of_it() -> None:
    assert READ_WITHIN < Connection.BODY_TIMEOUT


def test_no_answer_tells_what_serves_it(web: Web) -> None:
    for response in (web.http.get("/livez"), web.http.get("/nowhere")):
        assert "server" not in response.headers
        assert "x-powered-by" not in response.headers
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
