"""Real parts for every test: a Valkey server per test process, a fresh installation's keys per test."""

from __future__ import annotations

import gc
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest
import redis
from hypothesis import Phase, settings

from dispatcher.ledger import Keys, Retention, Store, connect
from dispatcher.local.valkey import socket_path, socket_url, valkey_command
from tests.dispatcher.ledger.helpers import Watched
from tests.examples import USUAL
from tests.waiting import eventually


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kube-context",
        default=None,
        help="run the contract tests against this context of your kubeconfig, in a namespace of their own",
    )
    parser.addoption(
        "--more-examples", type=int, default=1, help="draw so many times as many examples as usual"
    )
    parser.addoption("--seed", type=int, default=20, help="of the crash test's pushes and kills")
    parser.addoption("--minutes", type=float, default=0.2, help="how long the crash test harms")


def pytest_configure(config: pytest.Config) -> None:
    """No example fails by the clock of a busy machine; who only counts failures needs none shrunk."""
    many = USUAL * config.getoption("--more-examples")
    settings.register_profile("suite", settings(), max_examples=many, deadline=None)
    suite = settings.get_profile("suite")
    settings.register_profile("unshrunk", suite, phases=(Phase.explicit, Phase.generate))
    settings.load_profile("suite")


SLOW = (
    "tests/system/test_alerts",
    "tests/dispatcher/dashboard/test_browser",
    "tests/system/test_outages",
    "tests/system",
    "tests/model",
    "tests/crash",
    "tests/dispatcher/local/test_up.py",
    "tests/dispatcher/http/openapi",
    "tests/dispatcher/local/cluster/test_restart",
    "tests/dispatcher/commands/test_completion",
    "tests/workers/manifest/test_clone_proof",
)
"""What begins first, the longest before the others: it waits, or draws many examples."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests begin first, so that at the end no process works alone."""
    items.sort(key=lambda item: _place(item.nodeid))


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end; the garbage collector need not look through them each time."""
    gc.freeze()


def _place(nodeid: str) -> int:
    return next((n for n, slow in enumerate(SLOW) if nodeid.startswith(slow)), len(SLOW))


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis-compatible server: `REDIS_URL` where it is set, else an embedded one on a socket of its own."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    folder = tmp_path_factory.mktemp("valkey")
    with start_valkey(folder) as url:
        yield url


class start_valkey:  # reads as a function where it is used
    """A server of its own for a `with` block, killed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> str:
        socket = socket_path(self.folder)
        self.process = subprocess.Popen(
            valkey_command(self.folder, socket), stdout=subprocess.DEVNULL
        )
        url = socket_url(socket)
        if not eventually(lambda: self._answers(url)):
            self.__exit__()
            raise RuntimeError("no Valkey server could be started")
        return url

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
def store(client: redis.Redis, keys: Keys) -> Store:
    return Store(client, keys, Retention())


@pytest.fixture
def watched(redis_url: str) -> Iterator[Watched]:
    """A client in whose round trips a test can put something."""
    with cast(Watched, Watched.from_url(redis_url, decode_responses=True)) as client:
        yield client
