"""Bytes of the log endpoint become lines, however they are cut up, and none comes twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.log import LogLine, LogPosition
from workers.logs.lines import LONGEST_LINE, LineReader, since

AT = 1_732_270_504_000_000_000
"""2024-11-22T10:15:04Z."""
RAW = (
    b"2024-11-22T10:15:04.000000005Z one\n"
    b"2024-11-22T11:15:04.000000005+01:00 two\n"
    b"2024-11-22T10:15:04.5Z \xff\xc3\n"
    b"2024-11-22T10:15:05Z\n"
    b"2024-11-22T10:15:05Z \n"
)
LINES = [
    LogLine(AT + 5, 0, "one"),
    LogLine(AT + 5, 1, "two"),
    LogLine(AT + 500_000_000, 0, "\ufffd\ufffd"),
    LogLine(
        AT + 500_000_000, 1, "2024-11-22T10:15:05Z"
    ),  # no time of a line has no space behind it
    LogLine(AT + 1_000_000_000, 0, ""),
]


@given(st.lists(st.integers(0, len(RAW)), max_size=8), st.integers(-1, len(LINES) - 1))
def test_lines_are_the_same_wherever_the_bytes_are_cut(cuts: list[int], last: int) -> None:
    known = LogPosition(at=LINES[last].at, nth=LINES[last].nth) if last >= 0 else LogPosition()
    reader, found = LineReader(known), []
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(RAW)], strict=True):
        found += reader.take(RAW[begin:end])

    assert found == LINES[last + 1 :]
    assert reader.rest() == []


def test_a_line_without_an_end_is_one_at_the_end_only() -> None:
    reader = LineReader(LogPosition())

    assert reader.take(b"2024-11-22T10:15:04Z half") == []
    assert reader.rest() == [LogLine(AT, 0, "half")]
    assert reader.rest() == []


def test_a_long_line_is_cut_and_says_so() -> None:
    reader, block = LineReader(LogPosition()), b"x" * 10_000

    found = reader.take(b"2024-11-22T10:15:04Z ")
    for _ in range(100):
        found += reader.take(block)
    found += reader.take(b"\n2024-11-22T10:15:05Z next\n")

    left_out = 100 * len(block) - LONGEST_LINE
    assert found[0].text == "x" * LONGEST_LINE + f" … {left_out} bytes left out"
    assert found[1].text == "next"


def test_what_the_kubelet_says_itself_keeps_its_place() -> None:
    reader = LineReader(LogPosition())

    (first, second) = reader.take(b"2024-11-22T10:15:04Z one\nfailed to watch file\n")

    assert second == LogLine(first.at, 1, "failed to watch file")


def test_it_is_read_again_from_the_last_second_on() -> None:
    assert since(LogPosition(at=AT + 999_999_999, nth=3)) == "2024-11-22T10:15:04Z"
    assert since(LogPosition()) == ""
