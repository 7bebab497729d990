"""What the ledger's services share: a client, an installation's keys, retention, time-outs, and the scripts.

The leading watcher writes only through `scripts`, so that its fencing token covers all that it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any, Self, TypeAlias

import redis
from redis.client import Pipeline

from dispatcher.ledger.connection import texts, translated
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.retention import Retention
from dispatcher.ledger.scripts import Argument, FencingToken, Scripts
from dispatcher.ledger.timeouts import Timeouts

Command: TypeAlias = tuple[str, str, *tuple[Argument, ...]]
"""A plain command: its name, its key, its arguments."""


class Store:
    """One installation's ledger, as one client reaches it. Raises LedgerUnavailable."""

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        retention: Retention | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.client, self.keys = client, keys
        self.retention, self.timeouts = retention or Retention(), timeouts or Timeouts()
        self.scripts = Scripts(client)
        self.is_fenced = False

    def fenced(self, token: str, *, renewing: bool = True) -> Self:
        """The same store for the watcher with this token: as soon as another watcher leads, or none, each write
        through it raises LeadershipLost. With `renewing` False no write renews the leadership: what runs beside
        a watcher's main loop must not keep a watcher in office that hangs."""
        fenced = copy(self)
        lease = self.timeouts.leadership if renewing else 0
        fenced.scripts = self.scripts.fenced(FencingToken(self.keys.leader, token, lease))
        fenced.is_fenced = True
        return fenced

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        """The client; raises LedgerUnavailable in place of its errors."""
        with translated(self.client):
            yield self.client

    def write(self, *commands: Command) -> None:
        """Runs plain commands (name, key, arguments …), all in one script."""
        if commands:
            keys = [key for _, key, *_ in commands]
            args = [each for name, _, *rest in commands for each in (name, len(rest), *rest)]
            self.scripts.run("write", keys, args)

    def each(self, keys: Iterable[str], ask: Callable[[Pipeline, str], object]) -> list[Any]:
        """Runs the same command on every key, in one round trip."""
        with self.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for key in keys:
                ask(pipeline, key)
            return pipeline.execute()

    def fields(self, key: str) -> dict[str, str]:
        """All fields of a hash, as text."""
        with self.redis() as client:
            found = client.hgetall(key)
        return dict(zip(texts(found), texts(found.values()), strict=True))

    def now(self) -> int:
        """Redis' clock, in milliseconds."""
        with self.redis() as client:
            seconds, micros = client.time()
        return int(seconds) * 1000 + int(micros) // 1000
