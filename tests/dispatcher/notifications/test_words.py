"""What people read of an event."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.event import Event, EventKind
from dispatcher.domain.notification import EVENT_NAMES
from dispatcher.notifications import words
from dispatcher.notifications.happenings import Happening

COMMIT = "3f2a9c1e" + "0" * 32


def happening(kind: EventKind, target: str = "shop", number: int = 42, **more: Any) -> Happening:
    commit = COMMIT if number else ""
    return Happening(
        id="1-0",
        target=target,
        number=number,
        ref="refs/heads/main",
        commit=commit,
        event=Event(kind=kind, at=1, **more),
    )


def ended(state: State, **more: Any) -> Happening:
    return happening(EventKind.STATE, state=state, **more)


def test_a_failure() -> None:
    deploy = Deploy(
        target="shop",
        number=42,
        state=State.FAILED,
        stream="main",
        ref="refs/heads/main",
        commit=COMMIT,
        requested_by="ann",
    )

    said = words.sentence(ended(State.FAILED, why="script exited with 2").with_deploy(deploy))

    assert said == (
        "shop/42 failed: script exited with 2 (commit 3f2a9c1e by ann). git-dispatcher show shop/42"
    )


def test_what_happens_to_targets() -> None:
    held_up = happening(EventKind.TROUBLE, number=0, why="stuck")
    paused = happening(EventKind.PAUSED, "", 0, by="bob", why="a migration")

    assert words.sentence(held_up) == ("shop is held up: stuck. git-dispatcher deploys shop")
    assert words.sentence(paused) == (
        "everything was paused by bob: a migration. git-dispatcher targets"
    )


def test_everything_that_happens_has_its_words() -> None:
    assert words.SENTENCES.keys() == set(EVENT_NAMES)


HOSTILE = st.text(alphabet="<>@*_`~[]()|\\#:!&$ab.w/\n\x1b\u202e", max_size=40)


@given(HOSTILE | st.text(max_size=300))
def test_no_text_becomes_markup(text: str) -> None:
    shown = words.plain(text)

    assert not set(shown) & set("<>@*`~[]|\\#&$\n\x1b\u202e")
    assert "://" not in shown
    assert len(shown) <= words.LONGEST
    assert shown.isprintable() or not shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("script exited with 2", "script exited with 2"),
        ("it took 1.5 s: v1.2.3 of my_branch", "it took 1.5 s: v1.2.3 of my_branch"),
        ("_slanted_ and __bold__", "＿slanted＿ and ＿bold＿"),  # noqa: RUF001
        (":tada:", "꞉tada:"),  # noqa: RUF001
    ],
)
def test_plain_text_stays_readable(text: str, shown: str) -> None:
    assert words.plain(text) == shown


def test_long_text_is_cut() -> None:
    assert words.plain("x" * 500) == "x" * 199 + "…"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(1, "1 second"), (90, "90 seconds"), (600, "10 minutes"), (3600, "1 hour"), (86400, "1 day")],
)
def test_durations(seconds: int, shown: str) -> None:
    assert words.duration(seconds) == shown
