"""Connections to Redis, with time-outs and retries chosen for each use.

redis-py sends a command again after a time-out unless told not to; a script that creates something must
not run twice because an answer was slow, so nothing here is retried behind the caller's back.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dispatcher.domain.errors import LedgerUnavailable

CONNECT_SECONDS = 3.0
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
KEEPALIVE = {
    getattr(socket, name): value for name, value in _KEEPALIVE.items() if hasattr(socket, name)
}
"""Seconds, seconds, probes: a server that vanished silently is noticed within half a minute, also by
a worker that waits for a task."""


def connect(url: str, *, timeout: float = 3.0, text: bool = True) -> redis.Redis:
    """A client that gives up after `timeout` seconds and never sends anything twice.

    `text=False` is for RQ, which wants bytes.
    """
    return redis.Redis.from_url(
        url,
        decode_responses=text,
        socket_timeout=timeout,
        **({} if url.startswith("unix:") else _over_tcp(timeout)),
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
    )


def _over_tcp(timeout: float) -> dict[str, Any]:
    """Settings that a Unix socket does not accept."""
    return {
        "socket_connect_timeout": min(timeout, CONNECT_SECONDS),
        "socket_keepalive": True,
        "socket_keepalive_options": KEEPALIVE,
    }


def address(client: redis.Redis) -> str:
    """The server's address for display, without the password."""
    settings = client.connection_pool.connection_kwargs
    return f"{settings.get('host', settings.get('path', 'localhost'))}:{settings.get('port', '')}"


@contextmanager
def translated(client: redis.Redis) -> Iterator[None]:
    """Raises LedgerUnavailable in place of redis-py's errors."""
    try:
        yield
    except redis.RedisError as error:
        raise unavailable(client, error) from error


def check_writes(client: redis.Redis, key: str) -> None:
    """Raises LedgerUnavailable if Redis answers but refuses writes: a replica, a full memory or disk.

    `key` holds a string or nothing, and stays as it is: to set no bytes changes nothing, yet is refused
    like any write. https://redis.io/docs/latest/commands/setrange/
    """
    with translated(client):
        client.setrange(key, 0, "")


def unavailable(client: redis.Redis, error: Exception) -> LedgerUnavailable:
    kind = type(error).__name__
    return LedgerUnavailable(
        f"Redis at {address(client)} did not do what was asked ({kind}: {error})"
    )


def texts(values: Iterable[Any]) -> list[str]:
    """Replies of a decoding client as text: redis-py types them as text or bytes."""
    return [value if isinstance(value, str) else value.decode() for value in values]
