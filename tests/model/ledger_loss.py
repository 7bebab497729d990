"""Loss of the ledger's data: emptied, rolled back to a backup, or served by another Redis process."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from dispatcher.ledger import Keys
from dispatcher.ledger.connection import texts
from tests.model.expectations import Expectations

ANOTHER = "another-run-of-redis"


@dataclass(frozen=True)
class LedgerBackup:
    """As a replica that is behind: every key with its value and TTL."""

    keys: dict[bytes, tuple[int, bytes]]
    expectations: dict[str, Expectations]


def back_up(client: redis.Redis, keys: Keys) -> dict[bytes, tuple[int, bytes]]:
    """All keys below the prefix. `client` must not decode."""
    found = list(client.scan_iter(match=f"{keys.prefix}*"))
    return {key: (max(0, client.pttl(key)), client.dump(key)) for key in found}  # type: ignore[misc]


def empty(client: redis.Redis, keys: Keys) -> None:
    if found := list(client.scan_iter(match=f"{keys.prefix}*")):
        client.delete(*found)


def restore(client: redis.Redis, keys: Keys, backup: dict[bytes, tuple[int, bytes]]) -> None:
    """The `run_id` of a replica is its own."""
    empty(client, keys)
    for key, (left, value) in backup.items():
        client.restore(key, left, value)
    restart(client, keys)


def restart(client: redis.Redis, keys: Keys) -> None:
    """Another process answers, with the same data: one server stands for both."""
    for namespace in client.hkeys(keys.listed):
        client.hset(keys.listed, namespace, ANOTHER)
    for row in client.scan_iter(match=f"{keys.row('')}*"):
        if begun := client.hget(row, "begun"):
            number = texts([begun])[0].split()[1]
            client.hset(row, "begun", f"{ANOTHER} {number}")
