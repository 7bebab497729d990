"""Connections to Redis, with time-outs and retries chosen for each use.

redis-py sends a command again after a time-out unless told not to; a script that creates something must
not run twice because an answer was slow, so nothing here is retried behind the caller's back.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from dispatcher.domain.errors import LedgerUnavailable

Client = TypeVar("Client", bound=redis.Redis)

CONNECT_SECONDS = 3.0
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
KEEPALIVE = {
    getattr(socket, name): value for name, value in _KEEPALIVE.items() if hasattr(socket, name)
}
"""Seconds, seconds, probes: a server that vanished silently is noticed within half a minute, also by
a worker that waits for a task."""


RoundTrip: TypeAlias = Callable[[float, str], None]
"""Takes the seconds of one round trip, and how it failed: "", `timeout`, `connection` or `refused`."""
WAITING = frozenset({"XREAD", "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH"})
"""Commands that may wait for something to happen: how long they take says nothing of Redis."""


class Observed(redis.Redis):
    """A client each of whose round trips is observed."""

    observe: RoundTrip

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] in WAITING:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        with self._observing():
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:
        pipeline = super().pipeline(transaction, shard_hint)
        execute = pipeline.execute

        def observed(raise_on_error: bool = True) -> list[Any]:
            with self._observing():
                return execute(raise_on_error)

        pipeline.execute = observed  # type: ignore[method-assign]
        return pipeline

    @contextmanager
    def _observing(self) -> Iterator[None]:
        begun, failure = time.perf_counter(), ""
        try:
            yield
        except redis.RedisError as error:
            failure = _failure(error)
            raise
        finally:
            self.observe(time.perf_counter() - begun, failure)


def _failure(error: redis.RedisError) -> str:
    if isinstance(error, redis.TimeoutError):
        return "timeout"
    return "connection" if isinstance(error, redis.ConnectionError) else "refused"


def connect(
    url: str, *, timeout: float = 3.0, text: bool = True, observe: RoundTrip | None = None
) -> redis.Redis:
    """A client that gives up after `timeout` seconds and never sends anything twice.

    `text=False` is for RQ, which wants bytes. `observe` is called after each round trip.
    """
    if observe is None:
        return _client(redis.Redis, url, timeout, text)
    client = _client(Observed, url, timeout, text)
    client.observe = observe
    return client


def _client(kind: type[Client], url: str, timeout: float, text: bool) -> Client:
    client: Client = kind.from_url(  # type: ignore[assignment]  # typed as the class that defines it
        url,
        decode_responses=text,
        socket_timeout=timeout,
        **({} if url.startswith("unix:") else _over_tcp(timeout)),
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
    )
    return client


def connect_async(url: str, *, timeout: float) -> redis.asyncio.Redis:
    """The same for an event loop."""
    return redis.asyncio.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=timeout,
        **({} if url.startswith("unix:") else _over_tcp(timeout)),
        health_check_interval=0,
        retry=AsyncRetry(NoBackoff(), 0),
        retry_on_error=[],
    )


def _over_tcp(timeout: float) -> dict[str, Any]:
    """Settings that a Unix socket does not accept."""
    return {
        "socket_connect_timeout": min(timeout, CONNECT_SECONDS),
        "socket_keepalive": True,
        "socket_keepalive_options": KEEPALIVE,
    }


def address(client: redis.Redis | redis.asyncio.Redis) -> str:
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


def unavailable(client: redis.Redis | redis.asyncio.Redis, error: Exception) -> LedgerUnavailable:
    kind = type(error).__name__
    return LedgerUnavailable(
        f"Redis at {address(client)} did not do what was asked ({kind}: {error})"
    )


def texts(values: Iterable[Any]) -> list[str]:
    """Replies of a decoding client as text: redis-py types them as text or bytes."""
    return [value if isinstance(value, str) else value.decode() for value in values]
