"""Reads relayed logs, and asks the leading watcher for them: many readers at a time, without threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio

from dispatcher.domain.log import LogName, LogPart, LogRequest
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.connection import connect_async, unavailable
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.relayed_logs import by_stream
from dispatcher.ledger.retention import Retention

MOST_ENTRIES = 16
"""Read at a time."""


@dataclass(frozen=True, kw_only=True)
class RelayedPart:
    """A part with its place in the relayed log."""

    id: str
    first: int
    """How many lines came before its own."""
    bytes: int
    """How many the log has had with it."""
    part: LogPart


class LogReader:
    """Each call that waits has a connection of its own. Raises LedgerUnavailable."""

    def __init__(self, url: str, keys: Keys, block: float) -> None:
        """`block`: the longest that a call waits; seconds."""
        self._client: Any = connect_async(url, timeout=block + 5)
        self._keys = keys
        self.is_stopping = False

    def stop(self) -> None:
        """The process ends: whoever reads stops once the present call is over."""
        self.is_stopping = True

    async def ask(self, request: LogRequest) -> None:
        """Sends a request to the leading watcher; it stays there for those who come later."""
        most, key = Retention.requests, self._keys.log_requests
        pipeline = self._client.pipeline(transaction=False)
        pipeline.xadd(key, {"request": encode(request)}, maxlen=most, approximate=True)
        pipeline.pexpire(key, Retention.relayed_for)
        await self._answer(pipeline.execute())

    async def ends(self, name: LogName) -> tuple[RelayedPart, RelayedPart] | None:
        """The oldest and the newest entry that the log has; None if it is not relayed."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.xrange(self._keys.log(name), count=1)
        pipeline.xrevrange(self._keys.log(name), count=1)
        oldest, newest = await self._answer(pipeline.execute())
        return (_relayed(*oldest[0]), _relayed(*newest[0])) if oldest and newest else None

    async def after(self, name: LogName, id: str, seconds: float) -> list[RelayedPart]:
        """The entries behind that id, a few at a time; waits for the first so long."""
        read = self._client.xread(
            {self._keys.log(name): id}, count=MOST_ENTRIES, block=max(1, int(seconds * 1000))
        )
        reply = await self._answer(read)
        return [_relayed(*each) for _, entries in by_stream(reply) for each in entries]

    async def _answer(self, call: Any) -> Any:
        try:
            return await call
        except redis.RedisError as error:
            raise unavailable(self._client, error) from error

    async def close(self) -> None:
        await self._client.aclose()


def _relayed(id: str, fields: Mapping[str, str]) -> RelayedPart:
    return RelayedPart(
        id=id,
        first=int(fields["first"]),
        bytes=int(fields["bytes"]),
        part=decode(fields["entry"], LogPart),
    )
