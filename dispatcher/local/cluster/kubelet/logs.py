"""A container's log: one file that is written here and read while it grows, and beside it when each part came.

Readers wait for the writer, never for the clock. It must not know Pods.
"""

import asyncio
import os
import struct
import time
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

_BLOCK = 64 * 1024
_WRITTEN = struct.Struct(">QQ")
"""Where a part begins in the log, and when it was written (ns)."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """`tail` in lines from the end, `limit` in bytes, `since` in nanoseconds since the epoch."""

    tail: int | None = None
    limit: int | None = None
    follow: bool = False
    timestamps: bool = False
    since: int | None = None


class ContainerLog:
    """Written once from start to end; any number of readers."""

    def __init__(self, path: Path, now: Callable[[], int] = time.time_ns) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._now = path, now
        self._file = path.open("ab", buffering=0)
        times = path.with_suffix(".times")
        self._times = times.open("ab", buffering=0)
        raw = times.read_bytes()
        known = list(_WRITTEN.iter_unpack(raw[: len(raw) // _WRITTEN.size * _WRITTEN.size]))
        self._offsets = [offset for offset, _ in known]
        self._written_at = [at for _, at in known]
        self._size = path.stat().st_size
        self._grown = asyncio.Event()

    def append(self, data: bytes) -> None:
        at = self._now()
        self._times.write(_WRITTEN.pack(self._size, at))
        self._offsets.append(self._size)
        self._written_at.append(at)
        self._size += len(data)
        self._file.write(data)
        self._wake()

    def close(self) -> None:
        """Ends the log, and so the readers that follow it."""
        self._file.close()
        self._times.close()
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    async def read(self, options: LogOptions) -> AsyncIterator[bytes]:
        """The log in pieces; with `follow` until it is closed."""
        left = options.limit
        async for piece in self._pieces(options):
            yield piece if left is None else piece[:left]
            left = None if left is None else max(0, left - len(piece))
            if left == 0:
                return

    async def _pieces(self, options: LogOptions) -> AsyncIterator[bytes]:
        with self._path.open("rb") as file:
            start = 0 if options.tail is None else tail_offset(file, options.tail)
            if options.since is not None:
                start = max(start, self._line_before(file, options.since))
            file.seek(start)
            if options.timestamps or options.since is not None:
                async for line in self._lines(file, start, options):
                    yield line
            else:
                async for piece in self._blocks(file, options.follow):
                    yield piece

    async def _blocks(self, file: BinaryIO, follow: bool) -> AsyncIterator[bytes]:
        while True:
            grown, ended = self._grown, self._file.closed
            while piece := file.read(_BLOCK):
                yield piece
            if ended or not follow:
                return
            await grown.wait()

    async def _lines(
        self, file: BinaryIO, offset: int, options: LogOptions
    ) -> AsyncIterator[bytes]:
        """Whole lines, as a kubelet passes them on; the last may lack its end."""
        rest = b""
        async for piece in self._blocks(file, options.follow):
            *lines, rest = (rest + piece).split(b"\n")
            stamped = []
            for line in lines:
                stamped.append(self._stamped(line + b"\n", offset, options))
                offset += len(line) + 1
            if found := b"".join(stamped):
                yield found
        if rest and (last := self._stamped(rest, offset, options)):
            yield last

    def _stamped(self, line: bytes, offset: int, options: LogOptions) -> bytes:
        """The line that begins there; nothing if it is older than what is asked for."""
        written = bisect_right(self._offsets, offset) - 1
        at = self._written_at[written] if written >= 0 else 0
        if options.since is not None and at < options.since:
            return b""
        return rfc3339_nano(at).encode() + b" " + line if options.timestamps else line

    def _line_before(self, file: BinaryIO, since: int) -> int:
        """The beginning of a line that is not behind the first that was written since then."""
        part = bisect_left(self._written_at, since)
        end = self._offsets[part] if part < len(self._offsets) else self._size
        start = max(0, end - _BLOCK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        return start + found + 1 if found >= 0 else 0


def rfc3339_nano(at: int) -> str:
    """Nanoseconds since the epoch with all their digits, as a kubelet writes them."""
    seconds, nanoseconds = divmod(at, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def recorded(directory: Path) -> dict[tuple[str, int], ContainerLog]:
    """The logs of a Pod that ran before the last restart, by container and attempt."""
    found = {}
    for path in directory.glob("*-*.log"):
        name, _, attempt = path.stem.rpartition("-")
        found[name, int(attempt)] = log = ContainerLog(path)
        log.close()
    return found


def tail_offset(file: BinaryIO, lines: int) -> int:
    """Where the last `lines` lines begin."""
    position = file.seek(0, os.SEEK_END)
    if lines <= 0 or position == 0:
        return position
    file.seek(position - 1)
    # The newline that ends the last line doesn't begin another.
    wanted = lines + 1 if file.read(1) == b"\n" else lines
    while position > 0:
        size = min(_BLOCK, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        found = block.count(b"\n")
        if found >= wanted:
            end = len(block)
            for _ in range(wanted):
                end = block.rindex(b"\n", 0, end)
            return position + end + 1
        wanted -= found
    return 0
