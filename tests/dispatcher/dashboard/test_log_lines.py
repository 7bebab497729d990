"""A log's lines as events of HTML."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.dashboard.log_lines import KEEP_ALIVE, as_html, line, remark
from dispatcher.http.api.schemas.logs import (
    EndData,
    GapData,
    LineData,
    LogData,
    OpenedData,
    WaitingData,
)


def test_lines_are_escaped_and_coloured() -> None:
    found = as_html([("1-0", LineData(at=None, text="\x1b[31m<b>no</b>\x1b[0m & so"))])

    assert found == (
        b'id: 1-0\ndata: <span class="line"><span class="c1">&lt;b&gt;no&lt;/b&gt;</span>'
        b" &amp; so</span>\n\n"
    )


def test_all_items_of_a_moment_are_one_event() -> None:
    first, last = LineData(at=None, text="a"), LineData(at=None, text="")
    items: list[tuple[str, LogData]] = [("1-0", first), ("", GapData(lines=7)), ("2-1", last)]

    found = as_html(items).decode()

    assert found.startswith("id: 2-1\n")
    assert found.count("data: ") == 1
    assert "7 lines were dropped" in found
    assert as_html([]) == KEEP_ALIVE


def test_the_end_closes_the_connection() -> None:
    opened, waiting = OpenedData(pod="shop-1-x", container="main"), WaitingData(why="a\nnode")
    items: list[tuple[str, LogData]] = [("", opened), ("", waiting), ("", EndData(end="complete"))]

    found = as_html(items)

    assert b"waits: a node" in found
    assert found.endswith(b"event: log-end\ndata: {}\n\n")
    assert remark("There is\nno log").startswith(b'data: <span class="line remark">There is no log')


@given(st.text())
def test_no_line_becomes_markup_or_another_event(text: str) -> None:
    shown = str(line(text))

    assert "\n" not in shown
    assert "\r" not in shown
    inner = shown.replace('<span class="line">', "").replace("</span>", "")
    for name in ("", "bold", *(f"c{n}" for n in range(8))):
        inner = inner.replace(f'<span class="{name}">', "")
    assert "<" not in inner.split('<span class="')[0]
