"""One reader of a relayed log: from the parts that the leading watcher relays to what the reader gets.

It asks for the log while it reads, from its beginning or from behind the line that it has seen last.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

from dispatcher.domain.log import LogLine, LogName, LogPart, LogRequest
from dispatcher.http.api.schemas.logs import EndData, GapData, LogData, OpenedData, WaitingData
from dispatcher.http.api.serializers.logs import line_data
from dispatcher.ledger import LogReader, RelayedPart

BLOCK = 4.0
"""Seconds that one read waits; it then says that somebody still reads."""
ACKNOWLEDGE_BYTES = 128 * 1024
"""After so many the watcher hears that they were read: it relays as fast as the log's readers read."""
BEGINNING = "0-0"

Item = tuple[str, LogData]
"""The id to resume behind, "" where there is none; and what the reader gets."""


@dataclass(frozen=True)
class Seen:
    """The last line that a reader has seen; `nth` -1 for none."""

    at: int = 0
    nth: int = -1


NOTHING = Seen()


class LogReading:
    """`begin`, then `parts` again and again, and `leave` in any case. Raises LedgerUnavailable."""

    def __init__(self, logs: LogReader, name: LogName, seen: Seen, *, follow: bool) -> None:
        self._logs, self._name, self._follow = logs, name, follow
        self._reader = uuid4().hex
        self._seen, self._skips = (seen.at, seen.nth), seen.nth >= 0
        self._position, self._next_line = BEGINNING, 0
        self._is_greeted = False
        """What comes from now on is not older than its request."""
        self._asked_at, self._asked_read, self._read = 0.0, 0, 0
        self._asks = True
        self._opened = ("", "")
        self._waits = ""
        self.has_ended = False

    async def begin(self) -> None:
        ends = await self._logs.ends(self._name)
        if ends is not None:
            self._join(*ends)
        if self._asks:
            await self._ask()

    def _join(self, oldest: RelayedPart, newest: RelayedPart) -> None:
        """Reads a log that is, or was, relayed to others."""
        end = newest.part.end
        if end and not end.lasts:
            self._position, self._next_line = newest.id, 0
        elif oldest.first and not self._covered_by(oldest.part):
            self._name = LogName(
                target=self._name.target,
                number=self._name.number,
                container=self._name.container,
                copy=self._reader,
            )
        else:
            self._asks = end is None
            self._next_line, self._read = oldest.first, oldest.bytes

    def _covered_by(self, part: LogPart) -> bool:
        return self._skips and bool(part.lines) and _key(part.lines[0]) <= self._seen

    async def parts(self, seconds: float = BLOCK) -> list[RelayedPart]:
        """What came since; empty after so many seconds without anything."""
        found = await self._logs.after(self._name, self._position, seconds)
        if found:
            self._position, self._read = found[-1].id, found[-1].bytes
        late = time.monotonic() - self._asked_at >= BLOCK
        if self._asks and (late or self._read - self._asked_read >= ACKNOWLEDGE_BYTES):
            await self._ask()
        return found

    async def _ask(self, *, leaves: bool = False) -> None:
        self._asked_at, self._asked_read = time.monotonic(), self._read
        await self._logs.ask(
            LogRequest(log=self._name, reader=self._reader, read=self._read, leaves=leaves)
        )

    async def leave(self) -> None:
        if self._asks:
            await self._ask(leaves=True)

    def items(self, relayed: RelayedPart) -> Iterator[Item]:
        """What the part says to this reader."""
        part = relayed.part
        if relayed.first > self._next_line and not self._skips:
            yield "", GapData(lines=relayed.first - self._next_line)
        self._next_line = relayed.first + len(part.lines)
        yield from self._opening(part)
        if part.waits and part.waits != self._waits:
            yield "", WaitingData(why=part.waits)
        self._waits = part.waits
        for line in part.lines:
            if self._is_new(line):
                yield line.id, line_data(line)
        yield from self._ending(part)

    def _opening(self, part: LogPart) -> Iterator[Item]:
        now = part.position.pod, part.position.container
        if now != self._opened and now != ("", ""):
            self._opened = now
            pod, container = now
            yield "", OpenedData(pod=pod, container=container, containers=part.containers)

    def _ending(self, part: LogPart) -> Iterator[Item]:
        self._is_greeted = self._is_greeted or part.greets == self._reader
        if part.end:
            self.has_ended = True
            yield "", EndData(end=part.end, why=part.why)
        elif not self._follow and part.current and self._is_greeted:
            self.has_ended = True
            yield "", EndData(end="current", why=part.waits)

    def _is_new(self, line: LogLine) -> bool:
        self._skips = self._skips and _key(line) <= self._seen
        return not self._skips


def _key(line: LogLine) -> tuple[int, int]:
    return line.at, line.nth
