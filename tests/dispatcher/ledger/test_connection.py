"""How Redis is reached, and how one can tell that it takes what is written to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.ledger import Keys, check_writes, connect
from dispatcher.ledger.connection import address, translated
from tests.conftest import start_valkey


@pytest.fixture
def own(tmp_path: Path) -> Iterator[redis.Redis]:
    """A server that the test may set as it likes."""
    with start_valkey(tmp_path) as url, connect(url) as client:
        yield client


def test_to_ask_whether_it_writes_changes_nothing(client: redis.Redis, keys: Keys) -> None:
    client.set(keys.leader, "the watcher", px=60_000)

    check_writes(client, keys.leader)
    check_writes(client, keys.paused)

    assert client.get(keys.leader) == "the watcher"
    assert int(client.pttl(keys.leader)) > 0
    assert not client.exists(keys.paused)


def test_a_replica_and_a_full_memory_do_not_write(own: redis.Redis) -> None:
    own.config_set("maxmemory", 1)
    with pytest.raises(LedgerUnavailable, match="maxmemory"):
        check_writes(own, "key")
    own.config_set("maxmemory", 0)
    check_writes(own, "key")

    own.replicaof("127.0.0.1", 1)
    with pytest.raises(LedgerUnavailable, match="read only"):
        check_writes(own, "key")


def test_a_unix_socket_is_reached_too(tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "no.sock")
    client = connect(f"unix://{path}")

    with pytest.raises(LedgerUnavailable, match=r"no\.sock"), translated(client):
        client.ping()
    assert path in address(client)
