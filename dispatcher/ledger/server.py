"""What the Redis-compatible server says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dispatcher.ledger.store import Store


@dataclass(frozen=True, kw_only=True)
class LedgerServer:
    name: str
    """`valkey` or `redis`."""
    version: str
    used_memory: int
    """Bytes."""
    max_memory: int
    """Bytes; 0 for no limit."""
    up_for: int
    """Seconds."""


def read_server(store: Store) -> LedgerServer:
    """In one round trip. Raises LedgerUnavailable."""
    with store.redis() as client:
        pipeline = client.pipeline(transaction=False)
        pipeline.info("server")
        pipeline.info("memory")
        server, memory = pipeline.execute()
    facts: dict[str, Any] = {**server, **memory}
    name = str(facts.get("server_name", "redis"))
    return LedgerServer(
        name=name,
        version=str(facts.get(f"{name}_version", facts.get("redis_version", ""))),
        used_memory=int(facts.get("used_memory", 0)),
        max_memory=int(facts.get("maxmemory", 0)),
        up_for=int(facts.get("uptime_in_seconds", 0)),
    )
