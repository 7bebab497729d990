"""The web application under test: served as `git-dispatcher web` serves it, on a port of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from dispatcher.app import create_app
from dispatcher.commands.serve import listen, server_config
from dispatcher.config import read_environment
from dispatcher.config.reloading import Reloader
from dispatcher.http.connection.connection_limits import ConnectionLimits
from dispatcher.ledger import Keys, connect
from tests.dispatcher.webhooks.support import SECRET, Sent
from tests.waiting import eventually

LOOK_EVERY = 0.05
"""Seconds: no test waits for long until the web process has read a changed configuration."""
TOKEN = "a-token-of-the-tests"
OTHER_TOKEN = "another-token-of-the-tests"

CONFIGURATION = """
version: 1
hooks:
  github:
    provider: github
    secrets: [{env: OLD_SECRET}, {env: HOOK_SECRET}]
    repositories: ["github.com/acme/*"]
  gitlab:
    provider: gitlab
    secrets: [{env: HOOK_SECRET}]
    repositories: ["gitlab.com/acme/*"]
  plain:
    provider: generic
    secrets: [{env: HOOK_SECRET}]
    repositories: ["git.example.com/**", "file/srv/git/*"]
    max_body: 4KiB
targets:
  shop:
    repository: https://github.com/acme/shop
    branches: [main]
    job: {image: deployer}
  shop-docs:
    repository: https://github.com/acme/shop
    branches: [main]
    paths: ["docs/**"]
    job: {image: deployer}
  shop-releases:
    repository: https://github.com/acme/shop
    tags: ["v*"]
    namespace: releases
    on_new_push: wait
    job: {image: deployer}
  lab:
    repository: https://gitlab.com/acme/shop
    branches: [main]
    job: {image: deployer}
  bare:
    repository: https://git.example.com/acme/shop
    branches: [main]
    job: {image: deployer}
  each:
    repository: https://git.example.com/acme/each
    branches: [main]
    on_new_push: every
    every_limit: 2
    job: {image: deployer}
"""


class Web:
    """A running server; use in a `with` block."""

    source = Reloader

    def __init__(
        self, folder: Path, redis_url: str, keys: Keys, tokens: str = f"{OTHER_TOKEN},{TOKEN}"
    ) -> None:
        self.redis_url, self.keys = redis_url, keys
        self.allow_insecure = False
        self.port = 0
        """Any free one at first; the same when it is started again."""
        self.instance = keys.prefix.split(":")[1]
        self.queue_name = f"queue-{uuid4().hex[:12]}"
        self.config = folder / "git-dispatcher.yaml"
        self.config.write_text(CONFIGURATION)
        self.environ = {
            "DISPATCHER_CONFIG": str(self.config),
            "REDIS_URL": redis_url,
            "DISPATCHER_INSTANCE": self.instance,
            "DISPATCHER_QUEUE": self.queue_name,
            "DISPATCHER_API_TOKENS": tokens,
            "HOOK_SECRET": SECRET.decode(),
            "OLD_SECRET": "the one before",
        }

    def __enter__(self) -> Web:
        settings = read_environment(self.environ)
        source = self.source(settings.config, self.environ)
        app = create_app(
            settings, source, allow_insecure=self.allow_insecure, look_every=LOOK_EVERY
        )
        self._listener = listen("127.0.0.1", self.port)
        self.port = self._listener.getsockname()[1]
        self._server = uvicorn.Server(server_config(app, ConnectionLimits()))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))
        self._thread.start()
        self.url = "http://{}:{}".format(*self._listener.getsockname())
        # Without TLS nothing is verified, and reading the certificates takes longer than most tests.
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=30, verify=False)
        assert eventually(lambda: self._server.started)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def deliver(self, delivery: Sent, hook: str = "") -> httpx.Response:
        headers = [(n, v) for n, v in delivery.raw_headers if n != b"host"]
        path = f"/webhooks/{hook or delivery.provider}"
        return self.http.post(path, content=delivery.body, headers=headers)

    def api(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
        return self.http.request(method, f"/api/v1/{path}", headers=headers, **more)

    def readiness(self) -> httpx.Response:
        """As somebody sees it who has a token."""
        return self.http.get("/readyz", headers={"Authorization": f"Bearer {TOKEN}"})

    def configure(self, old: str, new: str) -> None:
        """Replaces the first such text of the configuration, and returns when that counts."""
        text = self.config.read_text()
        assert old in text
        before = self.api("targets").json()
        self.config.write_text(text.replace(old, new, 1))
        assert eventually(lambda: self.api("targets").json() != before)

    def remove(self, target: str) -> None:
        """Takes a target out of the configuration."""
        self.configure(f"  {target}:\n", f"  {target}-2:\n")

    @contextmanager
    def queue(self) -> Iterator[Queue]:
        with connect(self.redis_url, text=False) as client:
            yield Queue(self.queue_name, connection=client, serializer=JSONSerializer)

    def wake_ups(self) -> list[Job]:
        """What waits in the RQ queue."""
        with self.queue() as queue:
            return list(queue.get_jobs())

    def clean_up(self) -> None:
        with self.queue() as queue:
            queue.delete(delete_jobs=True)


def results(response: httpx.Response) -> dict[str, str]:
    """target -> outcome."""
    return {each["target"]: each["outcome"] for each in response.json()["results"]}


def error(response: httpx.Response) -> tuple[int, str]:
    """A refusal's status and code; every one has a message."""
    told = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(told) == {"type", "title", "status", "detail", "code"}
    assert told["status"] == response.status_code
    assert told["title"]
    assert told["detail"]
    return response.status_code, told["code"]
