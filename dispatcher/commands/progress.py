"""One line about work that takes long, on a terminal only: what is waited for, and how long already."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from rich.text import Text

from dispatcher.commands.formatting import plain
from dispatcher.commands.output import console

CLEAR = "\r\x1b[2K"
"""Erases the line: https://vt100.net/docs/vt510-rm/EL.html"""


class Progress:
    """Shows a line that is replaced in place and is gone at the end. Use in a `with` block."""

    def __init__(self, file: TextIO) -> None:
        self._file, known = file, console(file=file)
        self._on = known.is_terminal and not known.is_dumb_terminal
        self._width = known.width
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def show(self, text: str) -> None:
        if self._on:
            line = Text(plain(text))
            line.truncate(self._width - 1, overflow="ellipsis")
            self._write(CLEAR + line.plain)
            self._shown = True

    def clear(self) -> None:
        if self._shown:
            self._write(CLEAR)
            self._shown = False

    def line(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """The same, after the progress line is gone."""

        def clear_and_say(text: str) -> None:
            self.clear()
            say(text)

        return clear_and_say

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
