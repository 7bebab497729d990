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

from dispatcher.commands.serving import listen, server_config
from dispatcher.http.answers import HEADERS
from dispatcher.http.bodies import ALL_TOGETHER, MIB, READ_WITHIN, SMALL
from dispatcher.http.bounds import HEADER_BYTES, MOST_HEADERS
from dispatcher.http.connections import Connection
from tests.dispatcher.http.web import Web, error
from tests.waiting import eventually

LARGE = 16 * 1024 * 1024


class Hasty(Connection):
    MOST = 3
    HEADERS_WITHIN = 0.3
    REST_WITHIN = 0.6
    TAKEN_WITHIN = 0.3


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, whether or not the body has come; `/large` with more than fits in any buffer."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    size = LARGE if scope["path"] == "/large" else 2
    await Response(b"x" * size)(scope, receive, send)


@contextmanager
def served() -> Iterator[int]:
    config = server_config(application)
    config.http = Hasty
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert eventually(lambda: server.started)
        yield listener.getsockname()[1]
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
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code


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


def test_too_many_connections_are_told_so_and_make_room_again() -> None:
    with served() as port:
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        response = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        assert error(response) == (503, "busy")
        assert response.headers["Retry-After"] == "5"
        for each in idle:
            each.close()
        assert eventually(lambda: ask(port) == 200)


NONSENSE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "headers without an end": b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000,
    "a chunk of no size": b"POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("sends", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_like_everything_else(web: Web, sends: bytes) -> None:
    port = int(web.url.rpartition(":")[2])
    with connected(port) as connection:
        connection.sendall(sends)
        head, _, body = everything(connection).partition(b"\r\n\r\n")

    assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.1 405"))
    assert b'{"error":' in body
    for name, value in HEADERS.items():
        assert f"{name}: {value}".lower().encode() in head.lower()
    assert b"\r\nserver:" not in head.lower()


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
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    bounds = [
        f"more than {MOST_HEADERS} headers, or {HEADER_BYTES // 1024} KiB",
        f"{Connection.MOST:,} connections are open",
        f"hold {ALL_TOGETHER // MIB} MiB together, and this one is larger than {SMALL // 1024} KiB",
        f"take longer than {Connection.HEADERS_WITHIN:g} seconds, the rest of it longer than"
        f" {Connection.REST_WITHIN:g}",
        f"longer than {READ_WITHIN:g} seconds",
    ]

    assert [bound for bound in bounds if bound not in page] == []
    assert dict(re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \|$", page, re.MULTILINE)) == HEADERS


def test_who_takes_too_long_for_a_body_hears_of_it() -> None:
    assert READ_WITHIN < Connection.REST_WITHIN


def test_no_answer_tells_what_serves_it(web: Web) -> None:
    for response in (web.http.get("/livez"), web.http.get("/nowhere")):
        assert "server" not in response.headers
        assert "x-powered-by" not in response.headers
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
