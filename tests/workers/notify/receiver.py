"""A real HTTP server on loopback that stands for a receiver: it answers as a test says, and notes what came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from dispatcher.webhooks import standard_webhooks
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def signed_by(self, *secrets: bytes) -> object:
        """The index of the secret that signed it, or why none did; as the project verifies it itself."""
        moment = int(self.headers["webhook-timestamp"])
        raw = [(n.encode(), v.encode()) for n, v in self.headers.items()]
        trust = Trust(secrets=secrets, now=moment, replay_window=1)
        return standard_webhooks.verify(Headers(raw), self.body, trust)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None
    """Runs before the answer."""


class HttpReceiver:
    """Use in a `with` block. Answers with the scripted replies, then with 200."""

    def __init__(self, *replies: Reply | int) -> None:
        self.replies = [Reply(each) if isinstance(each, int) else each for each in replies]
        self.received: list[Received] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body))
                reply = receiver.replies.pop(0) if receiver.replies else Reply()
                reply.before()
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the test has it all."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> HttpReceiver:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
