"""Logs with ANSI colours: what is shown of them, and that nothing else comes through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.dashboard.ansi import Run, runs

PIECES = st.sampled_from(
    [
        "\x1b[",
        "\x1b]0;",
        "\x1b",
        "\x9b",
        "\x07",
        "\x1b\\",
        "31",
        ";",
        "m",
        "38;5;",
        "\r",
        "\n",
        "<b>",
        "ü",
    ]
)


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        ("plain\n", [("plain\n", "")]),
        ("\x1b[31mred\x1b[0m plain", [("red", "c1"), (" plain", "")]),
        ("\x1b[1;92mbold\x1b[22mgreen", [("bold", "bold c2"), ("green", "c2")]),
        ("\x1b[38;5;4mblue\x1b[39mplain", [("blue", "c4"), ("plain", "")]),
        ("\x1b[38;2;1;2;3mtrue\x1b[48;5;1m colour", [("true colour", "")]),
        ("\x1b[2J\x1b[Hcleared\x1b[5A", [("cleared", "")]),
        ("\x1b]0;title\x07a\x1b]8;;http://evil\x1b\\b", [("ab", "")]),
        ("10%\r50%\r100%\ndone\r\n", [("100%\ndone\n", "")]),
        ("a\u202eb\x00c\x7f", [("abc", "")]),
        ("\x9b31mred", [("red", "c1")]),
        ("end\x1b[3", [("end", "")]),
        ("", []),
    ],
)
def test_what_is_shown(log: str, shown: list[tuple[str, str]]) -> None:
    assert runs(log) == [Run(*each) for each in shown]


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_no_control_character_comes_through_whatever_a_log_holds(log: str) -> None:
    found = runs(log)

    assert all(each.text for each in found)
    for char in "".join(each.text for each in found):
        assert char in "\n\t" or ord(char) >= 0x20
        assert not 0x7F <= ord(char) < 0xA0
    assert {name for each in found for name in each.classes.split()} <= {
        *(f"c{n}" for n in range(8)),
        *("bold", "dim", "italic", "underline"),
    }


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"])))
def test_ordinary_text_stays_as_it_is(log: str) -> None:
    assert "".join(each.text for each in runs(log)) == log
