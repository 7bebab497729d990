"""Relayed logs as the leading watcher writes them, and the requests of those who read them.

A log is a stream that all its readers share, bounded and short-lived: the cluster keeps the log itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from dispatcher.domain.log import LogName, LogPart, LogRequest
from dispatcher.ledger.codec import decode
from dispatcher.ledger.retention import RelayBounds
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.store import Store


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `append_log.lua` besides the entry; the script's header documents each."""

    lines: int
    bounds: RelayBounds
    expires: int


class RelayedLogs:
    """Written by the watcher that leads, fenced by its token. Raises LedgerUnavailable and LeadershipLost."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys
        self.bounds = store.retention.relayed

    def append(self, entries: Sequence[tuple[LogName, LogPart]]) -> list[int]:
        """Appends in one round trip; for each, how many bytes its log has had with it."""
        found = self._store.scripts.run_many([self._call(*each) for each in entries])
        return [int(each) for each in found]

    def _call(self, name: LogName, entry: LogPart) -> Call:
        arguments = Arguments(
            lines=len(entry.lines), bounds=self.bounds, expires=self._store.retention.relayed_for
        )
        return Call("append_log", (self._keys.log(name),), (arguments, msgspec.json.encode(entry)))

    def last(self, name: LogName) -> LogPart | None:
        """The newest entry of the log; None if it is not relayed."""
        with self._store.redis() as client:
            found: Any = client.xrevrange(self._keys.log(name), count=1)
        return decode(found[0][1]["entry"], LogPart) if found else None

    def keep(self, names: Sequence[LogName]) -> None:
        """While somebody reads them, also those in which nothing happens are kept."""
        expires = self._store.retention.relayed_for
        self._store.write(*(("PEXPIRE", self._keys.log(name), expires) for name in names))

    def drop(self, name: LogName) -> None:
        self._store.write(("DEL", self._keys.log(name)))


class LogNews(msgspec.Struct, frozen=True):
    """What the leading watcher's relays have to know."""

    requests: tuple[LogRequest, ...] = ()
    changed: frozenset[tuple[str, int]] = frozenset()
    """Targets and numbers of deploys to which something happened."""


class LogRequests:
    """Waits for requests, and for events of deploys. `store` has a client of its own, whose time-out is longer
    than a call waits. Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys
        self._positions: dict[Any, Any] = {}

    def begin(self) -> None:
        """From now on, with the requests of those who are reading."""
        now, interest = self._store.now(), self._store.timeouts.reader
        self._positions = {
            self._keys.log_requests: f"{now - interest}-0",
            self._keys.events: f"{now}-0",
        }

    def wait(self, milliseconds: int) -> LogNews:
        """What came since the last call; waits for the first so long."""
        with self._store.redis() as client:
            reply: Any = client.xread(self._positions, count=1_000, block=milliseconds)
        requests: list[LogRequest] = []
        changed: set[tuple[str, int]] = set()
        for key, entries in by_stream(reply):
            self._positions[key] = entries[-1][0]
            for _, fields in entries:
                if key == self._keys.log_requests:
                    requests.append(decode(fields["request"], LogRequest))
                else:
                    changed.add((fields["target"], int(fields["number"])))
        return LogNews(tuple(requests), frozenset(changed))


def by_stream(reply: Any) -> list[tuple[str, list[Any]]]:
    """The entries of each stream of an XREAD's reply, in RESP2 and in RESP3."""
    if isinstance(reply, dict):
        return [(key, entries[0]) for key, entries in reply.items()]
    return [(key, entries) for key, entries in reply or ()]
