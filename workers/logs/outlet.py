"""What a relay hands to the writer: a bounded buffer, which waits for readers as long as they come along."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Condition

from msgspec.structs import replace

from dispatcher.domain.log import LogName, LogPart, LogRequest

BATCH_BYTES, BATCH_LINES = 65_536, 1_000
"""Most lines of one part, and characters of them, about."""
BUFFER_BYTES = 4 * BATCH_BYTES
"""A relay reads no further while so much is not written yet."""
SLOW_SECONDS = 10.0
"""A reader that says nothing for so long is not waited for."""


class Outlet:
    """Of one relay; its condition is shared by all outlets and the writer."""

    def __init__(
        self,
        name: LogName,
        condition: Condition,
        bounds: int,
        last: LogPart,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`bounds`: how many bytes the relayed log keeps; `last`: its newest part."""
        self.name, self._last = name, LogPart(position=last.position)
        self._condition, self._bounds, self._clock = condition, bounds, clock
        self._parts: deque[LogPart] = deque()
        self._buffered = self._written = 0
        self._readers: dict[str, tuple[float, int]] = {}
        self._closed = self._sent = False

    # The relay

    def put(self, part: LogPart) -> None:
        """Waits until there is room."""
        size = _size(part)
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._buffered < BUFFER_BYTES)
            if self._closed:
                return
            self._buffered += size
            self._last = part
            if len(self._parts) > self._sent and _fit(self._parts[-1], part):
                last = self._parts.pop()
                part = replace(part, lines=last.lines + part.lines, containers=last.containers)
            self._parts.append(part)
            self._condition.notify_all()

    def close(self) -> None:
        """Nothing more is taken; what is there is still written."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    # The writer, which holds the condition

    def is_ready(self) -> bool:
        """There is something to write, and room in the relayed log."""
        return bool(self._parts) and self._unread() <= self._bounds - 2 * BATCH_BYTES

    @property
    def is_held(self) -> bool:
        """There is something to write, and no room: it waits for readers."""
        return bool(self._parts) and not self.is_ready()

    @property
    def is_drained(self) -> bool:
        return self._closed and not self._parts

    def next(self) -> LogPart:
        """The part to write: it stays the same until it was written."""
        self._sent = True
        return self._parts[0]

    def wrote(self, bytes: int) -> None:
        """The next part was written; the relayed log has had so many bytes with it."""
        self._buffered -= _size(self._parts.popleft())
        self._written, self._sent = bytes, False

    # Readers

    def heard(self, request: LogRequest) -> None:
        with self._condition:
            if request.leaves:
                self._readers.pop(request.reader, None)
            else:
                if request.reader not in self._readers:
                    self._greet(request.reader)
                self._readers[request.reader] = self._clock(), request.read
            self._condition.notify_all()

    def _greet(self, reader: str) -> None:
        if not self._closed:
            last = self._last
            part = LogPart(position=last.position, current=last.current, greets=reader)
            self._buffered += _size(part)
            self._parts.append(part)

    def silent_for(self) -> float:
        """Seconds since a reader was heard of; infinite where all have gone."""
        with self._condition:
            heard = [at for at, _ in self._readers.values()]
        return self._clock() - max(heard) if heard else float("inf")

    def _unread(self) -> int:
        """Bytes that the slowest reader has before it."""
        now = self._clock()
        read = [read for at, read in self._readers.values() if now - at < SLOW_SECONDS]
        return self._written - min(read, default=self._written)


def _size(part: LogPart) -> int:
    return sum(len(line.text) + 40 for line in part.lines) + 200


def _fit(last: LogPart, part: LogPart) -> bool:
    """Both are lines of the same container, and not too many."""
    together = bool(last.lines and part.lines)
    ours = (
        (last.position.pod, last.position.container),
        (part.position.pod, part.position.container),
    )
    return (
        together
        and ours[0] == ours[1]
        and len(last.lines) + len(part.lines) <= BATCH_LINES
        and _size(last) + _size(part) <= BATCH_BYTES
    )
