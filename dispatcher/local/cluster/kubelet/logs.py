"""A container's log: one file that is written here and read while it grows.

Readers wait for the writer, never for the clock. It must not know Pods.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class LogOptions:
    """`tail` in lines from the end, `limit` in bytes."""

    tail: int | None = None
    limit: int | None = None
    follow: bool = False


class ContainerLog:
    """Written once from start to end; any number of readers."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._grown = asyncio.Event()

    def append(self, data: bytes) -> None:
        self._file.write(data)
        self._wake()

    def close(self) -> None:
        """Ends the log, and so the readers that follow it."""
        self._file.close()
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    async def read(self, options: LogOptions) -> AsyncIterator[bytes]:
        """The log in pieces; with `follow` until it is closed."""
        left = options.limit
        with self._path.open("rb") as file:
            if options.tail is not None:
                file.seek(tail_offset(file, options.tail))
            while True:
                grown, ended = self._grown, self._file.closed
                while piece := file.read(_BLOCK if left is None else min(_BLOCK, left)):
                    left = None if left is None else left - len(piece)
                    yield piece
                if left == 0 or ended or not options.follow:
                    return
                await grown.wait()


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
