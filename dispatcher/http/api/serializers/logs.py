"""A log as text, or as server-sent events. Pure.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from dispatcher.domain.log import LogLine
from dispatcher.http.api.schemas.logs import (
    EVENTS,
    EndData,
    GapData,
    LineData,
    LogData,
    OpenedData,
    WaitingData,
)

KEEP_ALIVE = b": \n\n"
"""A comment, which says that the connection is alive."""


def line_data(line: LogLine) -> LineData:
    return LineData(at=moment(line.at), text=line.text)


def moment(at: int) -> str:
    """Nanoseconds since the epoch as RFC 3339, with all their digits."""
    seconds, nanoseconds = divmod(at, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def as_events(found: Iterable[tuple[str, LogData]]) -> bytes:
    """Each with its id, "" for none."""
    return b"".join(_event(id, data) for id, data in found)


def _event(id: str, data: LogData) -> bytes:
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {EVENTS[type(data)]}\n".encode() + (
        b"data: " + msgspec.json.encode(data) + b"\n\n"
    )


def as_text(found: Iterable[tuple[str, LogData]], *, timestamps: bool) -> bytes:
    """The lines, and in brackets what else has to be known of them."""
    return "".join(_texts((data for _, data in found), timestamps=timestamps)).encode()


def _texts(found: Iterable[LogData], *, timestamps: bool) -> Iterator[str]:
    for data in found:
        match data:
            case LineData(at=at, text=text):
                yield f"{at} {text}\n" if timestamps and at else f"{text}\n"
            case GapData(lines=lines):
                yield _remark(f"{lines} lines were dropped, since they were not read in time")
            case EndData(end="partial" | "tail", why=why, log_url=url):
                yield _remark(f"{why}; the log is kept at {url}" if url else why)
            case OpenedData() | WaitingData() | EndData():
                pass


def _remark(text: str) -> str:
    return f"[git-dispatcher: {text}]\n"
