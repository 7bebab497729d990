"""A log's lines as server-sent events of HTML, which a page appends as they come. Pure.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from markupsafe import Markup, escape

from dispatcher.dashboard.ansi import runs
from dispatcher.http.api.schemas.logs import (
    EndData,
    GapData,
    LineData,
    LogData,
    OpenedData,
    WaitingData,
)

KEEP_ALIVE = b": \n\n"
END = b"event: log-end\ndata: {}\n\n"
"""The page closes its connection."""

_RUN = Markup('<span class="{}">{}</span>')
_LINE = Markup('<span class="line">{}</span>')
_REMARK = Markup('<span class="line remark">{}</span>')


def as_html(items: Iterable[tuple[str, LogData]]) -> bytes:
    """One event for all items, with the id to go on behind."""
    found = list(items)
    html = Markup("").join(each for _, data in found for each in _html(data))
    ids = [id for id, _ in found if id]
    head = f"id: {ids[-1]}\n" if ids else ""
    event = f"{head}data: {html}\n\n".encode() if html else KEEP_ALIVE
    ended = any(isinstance(data, EndData) for _, data in found)
    return event + (END if ended else b"")


def remark(text: str) -> bytes:
    """Where there is no log: why, and that there will be none."""
    return f"data: {_REMARK.format(_plain(text))}\n\n".encode() + END


def line(text: str) -> Markup:
    """With its colours."""
    found = runs(text.replace("\n", " "))
    styled = (
        _RUN.format(run.classes, run.text) if run.classes else escape(run.text) for run in found
    )
    return _LINE.format(Markup("").join(styled))


def _html(data: LogData) -> Iterator[Markup]:
    match data:
        case LineData(text=text):
            yield line(text)
        case OpenedData(pod=pod, container=container):
            yield _REMARK.format(f"container {container} of Pod {pod}")
        case WaitingData(why=why):
            yield _REMARK.format(_plain(f"waits: {why}"))
        case GapData(lines=lines):
            yield _REMARK.format(f"{lines} lines were dropped, since they were not read in time")
        case EndData(why=why, log_url=url) if why or url:
            yield _REMARK.format(_plain(f"{why}; the log is kept at {url}" if url else why))
        case EndData():
            yield _REMARK.format("end of the log")


def _plain(text: str) -> str:
    return " ".join(text.split())
