"""The whole application, asked in this process, with a real Redis: each error is in the table of operations."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from dispatcher.app import create_app
from dispatcher.config import PROVIDERS, load
from dispatcher.config.reloading import Reloader
from dispatcher.http.openapi.document import described_path
from dispatcher.http.openapi.operation import Code
from dispatcher.http.operations import OPERATIONS
from dispatcher.ledger import Keys
from tests.dispatcher.http.web import TOKEN, Web
from tests.dispatcher.http.webhooks.test_providers import PASSWORD, configuration
from tests.dispatcher.webhooks.support import basic, names, sent
from tests.fuzz.deliveries import rendered, signature
from tests.fuzz.target import Attempt, Surroundings, Target
from tests.fuzz.wire import Header, Sent, parse, render

CODES = {code for operation in OPERATIONS for code in operation.errors}
KNOWN = {
    "hook": "github",
    "target": "to-github",
    "number": "1",
    "id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
}
"""Parts of paths that lead to something; any other part is "some"."""
BODY = b'{"reason": "it failed", "by": "ann"}'
LARGEST = 100_000
"""Bytes; more in one piece come in two."""


class Application:
    """A running one; use in a `with` block."""

    def __init__(self, surroundings: Surroundings) -> None:
        web = Web(surroundings.folder, surroundings.redis_url, Keys(f"fuzz-{uuid4().hex[:12]}"))
        web.config.write_text(configuration())
        web.environ |= {"PASSWORD": PASSWORD, "SIGNING_TOKEN": "whsec_c2VjcmV0"}
        settings = load(web.environ).environment
        self._app = create_app(settings, Reloader(settings.config, web.environ))
        self._loop = asyncio.new_event_loop()
        self._started, self._told_to_stop = self._loop.create_future(), asyncio.Event()

    def __enter__(self) -> Attempt:
        self._lifespan = self._loop.create_task(self._live())
        self._loop.run_until_complete(self._started)
        return self.attempt

    def __exit__(self, *_: object) -> None:
        self._told_to_stop.set()
        self._loop.run_until_complete(self._lifespan)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def attempt(self, data: bytes) -> None:
        request = parse(data)
        status, content = self._loop.run_until_complete(self._answer(request))
        if status >= 400 and request.method != "HEAD":
            body = json.loads(content)
            assert Code(status, body["code"]) in CODES
            assert status < 500, body
            assert body["detail"]

    async def _live(self) -> None:
        async def receive() -> dict[str, Any]:
            if not self._started.done():
                return {"type": "lifespan.startup"}
            await self._told_to_stop.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Any) -> None:
            if not self._started.done():
                self._started.set_result(message["type"])

        await self._app(
            {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send
        )

    async def _answer(self, request: Sent) -> tuple[int, bytes]:
        sent: list[Any] = []
        pieces = [request.body[:LARGEST], request.body[LARGEST:]]

        async def receive() -> dict[str, Any]:
            body = pieces.pop(0) if pieces else b""
            return {"type": "http.request", "body": body, "more_body": bool(pieces)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(_scope(request), receive, send)
        return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:])


def _scope(request: Sent) -> dict[str, Any]:
    path, _, query = request.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": request.method,
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": _authenticated(request, path.decode("ascii")),
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 80),
    }


def _authenticated(request: Sent, path: str) -> list[Header]:
    """With what opens the place that is asked for."""
    hook = path.removeprefix("/webhooks/")
    if hook == "azure-devops":
        return request.but({"Authorization": basic(PASSWORD.encode())})
    if hook != path:
        return request.but(signature(hook, request.body) if hook in PROVIDERS else {})
    return request.but({"Authorization": f"Bearer {TOKEN}"})


def seeds() -> Iterator[bytes]:
    for name in names():
        yield rendered(sent(name))
    for operation in OPERATIONS:
        parts = defaultdict(lambda: "some", KNOWN)
        method, path = operation.method, described_path(operation).format_map(parts)
        query = "?limit=20" if operation.parameters and method == "GET" else ""
        headers = [(b"Idempotency-Key", b"1")] if "redeploy" in path else []
        yield render(
            f"{method} {path.format_map(defaultdict(lambda: 'some', KNOWN))}{query}",
            headers,
            BODY if operation.body else b"",
        )
    for body in (b'{"deploy": 1}', b'{"ref": "main", "commit": "%s"}' % (b"b2" * 20)):
        yield render("POST /api/v1/targets/to-gitea/redeploy", [], body)


TARGETS = {"endpoint": Target(Application, seeds)}
