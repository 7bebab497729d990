"""Times, durations and the text of others, as the tables show them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.commands.formatting import age, lines, log_line, plain, span

SPANS = {
    0: "0s",
    0.4: "0s",
    59: "59s",
    60: "1m",
    90: "1m30s",
    599: "9m59s",
    601: "10m",
    3600: "1h",
    5400: "1h30m",
    40_000: "11h",
    100_000: "27h",
    200_000: "2d",
    -5: "0s",
}


@pytest.mark.parametrize(("seconds", "words"), SPANS.items())
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_ages() -> None:
    now = datetime(2025, 11, 22, 12, 0, 0, tzinfo=UTC)

    assert age("2025-11-22T11:58:30.000Z", now) == "1m30s"
    assert age(None, now) == ""


def test_nothing_that_others_wrote_moves_the_cursor() -> None:
    assert plain("a\x1b[2J\nb\u202e") == "a [2J b "
    assert lines("a\x1b[2J\n\tb\r") == "a·[2J\n\tb·"


@pytest.mark.parametrize(
    ("text", "coloured", "bare"),
    [
        ("done\t1", "done\t1", "done\t1"),
        ("\x1b[31mred\x1b[0m end", "\x1b[31mred\x1b[0m end\x1b[0m", "red end"),
        ("\x1b]0;title\x07\x1b[2J\x1b[1;1H", "·]0;title··[2J·[1;1H", "·]0;title··[2J·[1;1H"),
        ("50%\r100%\x9b2J", "50%·100%·2J", "50%·100%·2J"),
        ("\u202egpj.exe", "·gpj.exe", "·gpj.exe"),
    ],
)
def test_a_line_of_a_log_does_no_more_to_a_terminal_than_colour_it(
    text: str, coloured: str, bare: str
) -> None:
    assert log_line(text, colour=True) == coloured
    assert log_line(text, colour=False) == bare
