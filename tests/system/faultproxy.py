"""What stands between the product and the API server, and fails as a test says.

It passes bytes on as they are, watches too: one connection upstream for each request. Whatever goes wrong
goes wrong here, so neither the product nor the cluster knows that it is a test.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import yaml

PIECE = 65_536
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: proxy
contexts: [{{name: proxy, context: {{cluster: proxy, user: proxy}}}}]
clusters: [{{name: proxy, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: proxy, user: {{token: the-proxy-has-a-better-one}}}}]
"""
T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """One request that came, and when."""

    method: str
    path: str
    """With its query."""
    at: float

    @property
    def watches(self) -> bool:
        return "watch=true" in self.path


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to the requests that it is for; the first one that fits counts."""

    method: str = ""
    path: str = ""
    """A regular expression, found anywhere in the path with its query."""
    delay: float = 0.0
    """Seconds before the request is handed on, or answered."""
    status: int = 0
    """Answered by the proxy with this, where it is not 0."""
    retry_after: int | None = None
    loses_answer: bool = False
    """The API server does what is asked, and nobody hears of it."""
    event: bytes = b""
    """A watch is answered with this line, and ends."""

    def fits(self, request: Request) -> bool:
        return self.method in ("", request.method) and bool(re.search(self.path, request.path))


@dataclass
class FaultProxy:
    """Start it, give `kubeconfig` to the product, steer it, stop it. It may be there before the cluster is."""

    upstream: Path
    """The cluster's own kubeconfig."""
    folder: Path
    requests: list[Request] = field(default_factory=list)
    _faults: list[Fault] = field(default_factory=list)
    _open: dict[asyncio.Task[None], str] = field(default_factory=dict)
    """What is being answered, and the path that was asked for."""
    _flows: set[asyncio.Task[None]] = field(default_factory=set)
    """Those of them of whose answer something has come."""
    _silent: bool = False
    _server: asyncio.Server | None = None
    _port: int = 0

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig-of-the-proxy"

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.come_back()
        self.kubeconfig.write_text(KUBECONFIG.format(port=self._port))

    def stop(self) -> None:
        self._in_loop(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What a test can do

    @contextmanager
    def failing(self, **how: Any) -> Iterator[None]:
        """Within the block, requests fail like this: see `Fault`."""
        fault = Fault(**how)
        self._faults.insert(0, fault)
        try:
            yield
        finally:
            self._faults.remove(fault)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens, and what was open is cut."""
        self.go_away()
        try:
            yield
        finally:
            self.come_back()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Connections are taken, and nothing is ever heard on them again, nor on those that were open."""
        self._silent = True
        self._in_loop(self._cut(softly=True))
        try:
            yield
        finally:
            self._silent = False

    def cut(self, path: str = "") -> None:
        """Ends what is open now: watches for the most part."""
        self._in_loop(self._cut(softly=False, path=path))

    def go_away(self) -> None:
        self._in_loop(self._close())

    def come_back(self) -> None:
        self._in_loop(self._listen())

    def count(self, since: float = 0.0, method: str = "", path: str = "") -> int:
        """Requests that came since then, by the monotonic clock."""
        wanted = Fault(method=method, path=path)
        return sum(1 for each in list(self.requests) if each.at >= since and wanted.fits(each))

    def watches(self, path: str = "") -> int:
        """Watches that are open now."""
        flowing = [asked for task, asked in list(self._open.items()) if task in self._flows]
        return sum("watch=true" in asked and path in asked for asked in flowing)

    # How it is done

    def _in_loop(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        await self._cut(softly=False)

    async def _end(self) -> None:
        """Leaves nothing open behind."""
        await self._close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # transports end in the loop's next turns

    async def _cut(self, *, softly: bool, path: str = "") -> None:
        """Ends what is open; softly: the client does not hear of it."""
        for task, asked in list(self._open.items()):
            if re.search(path, asked):
                task.cancel("softly" if softly else None)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = _this_task()
        self._open[task] = ""
        try:
            await self._answer(reader, writer)
        except asyncio.CancelledError as cut:
            if cut.args == ("softly",):
                asyncio.get_running_loop().create_task(_hold(reader, writer))
                return
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two has gone
        finally:
            del self._open[task]
            self._flows.discard(task)
        writer.transport.abort() if self._server and not self._server.is_serving() else writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path = head.split(b" ", 2)[:2]
        request = Request(method.decode(), path.decode(), time.monotonic())
        self.requests.append(request)
        self._open[_this_task()] = request.path
        body = await reader.readexactly(_length(head))
        fault = next((each for each in self._faults if each.fits(request)), Fault())
        if self._silent:
            await asyncio.sleep(3600)
        await asyncio.sleep(fault.delay)
        if fault.status or fault.event:
            writer.write(_refusal(fault))
            await writer.drain()
            return
        await self._pass_on(head, body, reader, None if fault.loses_answer else writer)

    async def _pass_on(
        self,
        head: bytes,
        body: bytes,
        client: asyncio.StreamReader,
        writer: asyncio.StreamWriter | None,
    ) -> None:
        upstream = Upstream.read(self.upstream)
        answers, asks = await upstream.connect()
        gone = asyncio.create_task(client.read())
        gone.add_done_callback(lambda _: asks.close())
        try:
            asks.write(upstream.signed(head) + body)
            while piece := await answers.read(PIECE):
                if writer:
                    writer.write(piece)
                    await writer.drain()
                self._flows.add(_this_task())
        finally:
            gone.cancel()
            asks.transport.abort()


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def _hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Keeps a connection open on which nothing comes any more, until the client closes it."""
    try:
        with suppress(OSError):
            await reader.read()
    finally:
        writer.transport.abort()


@dataclass(frozen=True)
class Upstream:
    """The API server, as its kubeconfig has it now: one that was started again may have moved."""

    server: str
    authority: str
    token: str

    @classmethod
    def read(cls, kubeconfig: Path) -> Upstream:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        return cls(cluster["server"], authority, config["users"][0]["user"]["token"])

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        url = urlsplit(self.server)
        context = ssl.create_default_context(cadata=self.authority)
        return await asyncio.open_connection(url.hostname, url.port, ssl=context)

    def signed(self, head: bytes) -> bytes:
        """The request's head, as somebody who may ask; the end of the answer is that of the connection."""
        kept = re.sub(rb"(?i)\r\n(connection|authorization):[^\r]*", b"", head)
        ours = f"\r\nAuthorization: Bearer {self.token}\r\nConnection: close\r\n\r\n"
        return kept.removesuffix(b"\r\n\r\n") + ours.encode()


def _length(head: bytes) -> int:
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return int(found[1]) if found else 0


def _refusal(fault: Fault) -> bytes:
    said = {"kind": "Status", "message": "as the test wants it", "code": fault.status}
    body = fault.event or json.dumps(said).encode()
    more = "" if fault.retry_after is None else f"Retry-After: {fault.retry_after}\r\n"
    head = (
        f"HTTP/1.1 {fault.status or 200} Whatever\r\nContent-Type: application/json\r\n{more}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
