"""Draws a list over and over in one place of a terminal, without flicker; else prints it again."""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType

HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
CLEAR = f"{HOME}\x1b[2J"
"""https://vt100.net/docs/vt510-rm/chapter4.html"""


class Screen:
    """A terminal that can move its cursor. `console` fits its lines to it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._drawn = False

    def draw(self, head: str, content: RenderableType) -> None:
        """Replaces what is there; of content that is too long, the last line says how much is missing."""
        size = self._console.size
        with self._console.capture() as captured:
            self._console.print(head, style="dim", soft_wrap=False, overflow="ellipsis")
            self._console.print(content, soft_wrap=False)
        lines = captured.get().splitlines()
        room = max(2, size.height - 1)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"… {len(lines) - room + 1} more lines"]
        text = "".join(f"{line}{CLEAR_LINE}\r\n" for line in lines)
        sys.stdout.write(f"{HOME if self._drawn else CLEAR}{text}{CLEAR_BELOW}")
        sys.stdout.flush()
        self._drawn = True
