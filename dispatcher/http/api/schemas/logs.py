"""What a log is made of when it is streamed as events: the data of each."""

from __future__ import annotations

import msgspec


class LineData(msgspec.Struct, frozen=True, kw_only=True):
    """Event `line`."""

    at: str | None
    """When the container wrote it; null for a line of the kept end of a log."""
    text: str


class OpenedData(msgspec.Struct, frozen=True, kw_only=True):
    """Event `opened`: the log of this container begins, or goes on."""

    pod: str
    container: str
    containers: tuple[str, ...] = ()
    """All of the Pod's."""


class WaitingData(msgspec.Struct, frozen=True, kw_only=True):
    """Event `waiting`."""

    why: str


class GapData(msgspec.Struct, frozen=True, kw_only=True):
    """Event `gap`: the reader was too slow, and so many lines were dropped."""

    lines: int


class EndData(msgspec.Struct, frozen=True, kw_only=True):
    """Event `end`."""

    end: str
    """`complete`, `partial`, `tail` or `current`: see docs/api.md."""
    why: str = ""
    log_url: str = ""


LogData = LineData | OpenedData | WaitingData | GapData | EndData
EVENTS: dict[type[msgspec.Struct], str] = {
    LineData: "line",
    OpenedData: "opened",
    WaitingData: "waiting",
    GapData: "gap",
    EndData: "end",
}
"""The name of each event."""
