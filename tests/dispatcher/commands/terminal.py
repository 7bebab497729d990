"""The real command in a real terminal, and what its user sees there."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import pyte

from tests.waiting import eventually

ROOT = Path(__file__).parents[3]


class Terminal:
    """A command in a terminal of that size; use in a `with` block."""

    def __init__(self, *command: str, columns: int = 80, rows: int = 24, **environ: str) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.written = ""
        self._stream = pyte.Stream(self.screen)
        self._main, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        inherited = {
            k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dispatcher.cli", *command],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={**inherited, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environ},
            start_new_session=True,
        )
        os.close(inner)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.end()
        os.close(self._main)

    def _read(self) -> None:
        decoder = getincrementaldecoder("utf-8")(errors="replace")
        while part := self._part():
            text = decoder.decode(part)
            self.written += text
            self._stream.feed(text)

    def _part(self) -> bytes:
        try:
            return os.read(self._main, 65536)
        except OSError:  # nobody has the other end any more
            return b""

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip()

    def sees(self, look: Callable[[str], bool]) -> bool:
        return eventually(lambda: look(self.text))

    def interrupt(self) -> int:
        """Ctrl-C, and the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """The exit code, once the command has ended and all that it wrote was read."""
        code = self.process.wait(60)
        self._reader.join(60)
        return code


def shown(*command: str, columns: int = 80, environ: dict[str, str] | None = None) -> Terminal:
    """The terminal after the command has ended."""
    with Terminal(*command, columns=columns, rows=200, **(environ or {})) as terminal:
        assert terminal.process.wait(60) == 0, terminal.text
    return terminal
