"""Real parts for every test: a Valkey server per test process, a fresh installation's keys per test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from hypothesis import settings

from dispatcher.ledger import Keys, Ledger, Limits, connect
from dispatcher.local.ports import free_port
from dispatcher.local.valkey import valkey_command
from tests.waiting import eventually

# No example fails by the clock of a busy machine.
settings.register_profile("suite", settings(), deadline=None)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kube-context",
        default=None,
        help="run the contract tests against this context of your kubeconfig, in a namespace of their own",
    )
    parser.addoption("--seed", type=int, default=20, help="of the crash test's pushes and kills")
    parser.addoption("--minutes", type=float, default=0.2, help="how long the crash test harms")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis-compatible server: `REDIS_URL` where it is set, else an embedded one on a free port."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    folder = tmp_path_factory.mktemp("valkey")
    with start_valkey(folder) as url:
        yield url


class start_valkey:  # reads as a function where it is used
    """A server of its own for a `with` block, killed at the end."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self.port = folder, port

    def __enter__(self) -> str:
        for _ in range(5):
            url = self._start(self.port or free_port())
            eventually(lambda url=url: self._answers(url) or self.process.poll() is not None)  # type: ignore[misc]
            if self.process.poll() is None:
                return url
        raise RuntimeError("no Valkey server could be started")

    def _start(self, port: int) -> str:
        self.process = subprocess.Popen(
            valkey_command(self.folder, port), stdout=subprocess.DEVNULL
        )
        return f"redis://127.0.0.1:{port}/0"

    @staticmethod
    def _answers(url: str) -> bool:
        try:
            with connect(url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def keys(client: redis.Redis) -> Iterator[Keys]:
    """Names that no other test uses; what was stored under them is removed."""
    keys = Keys(f"test-{uuid4().hex[:12]}")
    yield keys
    if left := list(client.scan_iter(match=f"{keys.prefix}*", count=1000)):
        client.delete(*left)


@pytest.fixture
def ledger(client: redis.Redis, keys: Keys) -> Ledger:
    return Ledger(client, keys, Limits())
