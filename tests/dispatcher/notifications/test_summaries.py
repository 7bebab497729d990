"""A chat stays readable, and what it was not sent is counted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.notification import Summary
from dispatcher.notifications import summaries
from dispatcher.notifications.summaries import MOST_NAMED, MOST_WINDOWS, Note, Rates, Said

WITHIN = 600
WINDOW = WITHIN * 1000
MINUTE = 60_000
ALL = Rates(WITHIN, 1_000_000)
Step = tuple[int, str, str]
"""Milliseconds since the last one, a target, an event's name."""


@dataclass
class Chat:
    """What is said, and when, if somebody looks whenever something is due."""

    rates: Rates = ALL
    now: int = 1_000_000
    summary: Summary = field(default_factory=Summary)
    said: list[tuple[int, str]] = field(default_factory=list)

    def passes(self, milliseconds: int) -> None:
        end = self.now + milliseconds
        while (due := summaries.due(self.summary)) and due <= end:
            self._take(due, summaries.flush(self.summary, due, self.rates))
        self.now = end

    def happens(self, name: str, target: str = "shop") -> None:
        nature, issue = summaries.nature(name, self.summary, target)
        text = f"{target} {name} as {nature} at {self.now}"
        note = Note(target=target, at=self.now, text=text, nature=nature, issue=issue)
        self._take(self.now, summaries.add(self.summary, note, self.rates))

    def _take(self, at: int, said: Said) -> None:
        self.summary = said.summary
        self.said += [(at, text) for text in said.texts]

    def follow(self, steps: Iterable[Step]) -> Chat:
        for gap, target, name in steps:
            self.passes(gap)
            self.happens(name, target)
        return self

    @property
    def texts(self) -> list[str]:
        return [re.sub(r" as \w+ at \d+", "", text) for _, text in self.said]


def test_the_first_failure_is_said_and_the_others_are_counted() -> None:
    chat = Chat()
    for _ in range(6):
        chat.happens("failed")
        chat.passes(MINUTE)

    chat.passes(WINDOW)

    assert chat.texts == ["shop failed", "5 more failures of shop in 10 minutes"]


def test_a_target_that_goes_on_failing_is_said_once_a_window() -> None:
    chat = Chat()
    for _ in range(60):
        chat.happens("failed")
        chat.passes(MINUTE)

    gaps = [after - before for (before, _), (after, _) in pairwise(chat.said)]
    assert set(gaps) == {WINDOW}


def test_a_recovery_is_said_at_once_and_once() -> None:
    chat = Chat()
    chat.happens("failed")
    chat.passes(MINUTE)
    chat.happens("succeeded")
    chat.passes(MINUTE)
    chat.happens("failed")
    chat.happens("succeeded")
    assert chat.texts == ["shop failed", "shop succeeded"]

    chat.passes(2 * WINDOW)

    assert chat.texts[2:] == ["1 more failure of shop in 10 minutes. shop succeeded"]


def test_a_recovery_says_what_was_left_out_before_it() -> None:
    chat = Chat()
    for name in ("failed", "failed", "failed", "succeeded"):
        chat.happens(name)

    chat.passes(2 * WINDOW)

    assert chat.texts == ["shop failed", "shop succeeded, after 2 more failures"]


def test_a_failure_after_a_recovery_that_was_left_out_is_what_counts() -> None:
    chat = Chat()
    for name in ("failed", "succeeded", "failed", "succeeded", "failed"):
        chat.happens(name)

    chat.passes(2 * WINDOW)

    assert chat.texts[2:] == ["2 more failures of shop in 10 minutes"]
    assert chat.summary.windows["shop"].issues == ("deploy",)


def test_trouble_and_a_failed_deploy_are_two_issues() -> None:
    chat = Chat()
    for name in ("trouble", "recovered", "succeeded"):
        chat.happens(name)

    assert chat.texts == ["shop trouble", "shop recovered"]
    assert summaries.nature("succeeded", chat.summary, "shop")[0] is summaries.Nature.OTHER


def test_without_a_window_everything_is_said() -> None:
    chat = Chat(Rates(0, 20))
    for _ in range(100):
        chat.happens("failed")

    assert len(chat.said) == 100


def test_when_everything_fails_the_rest_is_counted() -> None:
    chat = Chat(Rates(WITHIN, 3))
    for number in range(10):
        chat.happens("failed", f"t{number}")

    chat.passes(WINDOW)

    assert chat.texts == [
        "t0 failed",
        "t1 failed",
        "t2 failed",
        "7 more messages about t3, t4, t5, t6, t7 and 2 more targets in 10 minutes. "
        "git-dispatcher targets",
    ]


def test_what_is_remembered_is_bounded() -> None:
    chat = Chat(Rates(WITHIN, 20))
    for number in range(3_000):
        chat.happens("failed", f"t{number}")
        chat.passes(15_000)
    many = Chat(Rates(WITHIN, 1))
    for number in range(500):
        many.happens("failed", f"t{number}")

    assert len(chat.summary.windows) <= MOST_WINDOWS
    assert len(many.summary.left_out) == MOST_NAMED + 1
    assert sum(many.summary.left_out.values()) == 499


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, MINUTE, WINDOW // 2, WINDOW - 1, WINDOW, 3 * WINDOW]),
        st.sampled_from(["shop", "docs"]),
        st.sampled_from(["failed", "lost", "succeeded", "running", "trouble", "recovered"]),
    ),
    max_size=40,
)


def counted(texts: Iterable[str], noun: str) -> int:
    return sum(int(n) for text in texts for n in re.findall(rf"(\d+) (?:more|other) {noun}", text))


@given(STEPS)
def test_no_failure_is_lost(steps: list[Step]) -> None:
    chat = Chat().follow(steps)
    chat.passes(10 * WINDOW)

    failures = sum(name in ("failed", "lost") for _, _, name in steps)
    said = sum(text.split()[1] in ("failed", "lost") for _, text in chat.said)
    assert said + counted(chat.texts, "failure") == failures
    assert summaries.due(chat.summary) == 0


@given(STEPS)
def test_of_a_target_at_most_one_message_and_one_recovery_of_each_issue_in_a_window(
    steps: list[Step],
) -> None:
    chat = Chat().follow(steps)
    chat.passes(10 * WINDOW)

    for target in ("shop", "docs"):
        for kind, times in _times(chat, target).items():
            gaps = [after - before for before, after in pairwise(times)]
            assert all(gap >= WINDOW for gap in gaps), (target, kind)


def _times(chat: Chat, target: str) -> dict[str, list[int]]:
    """When what was said of it: recoveries by name, and everything else together."""
    found: dict[str, list[int]] = {}
    for at, text in chat.said:
        if text.startswith(f"{target} ") or f" of {target} in" in text:
            is_recovery = re.match(rf"{target} (\w+) as recovery", text)
            found.setdefault(is_recovery[1] if is_recovery else "", []).append(at)
    return found


@given(STEPS)
def test_the_last_that_a_chat_hears_of_an_issue_is_true(steps: list[Step]) -> None:
    chat = Chat().follow(steps)
    chat.passes(10 * WINDOW)

    for target in ("shop", "docs"):
        ends = [name for _, of, name in steps if of == target and name in ("failed", "succeeded")]
        window = chat.summary.windows.get(target)
        if ends and "lost" not in [name for _, of, name in steps if of == target]:
            is_failed = bool(window and "deploy" in window.issues)
            assert is_failed == (ends[-1] == "failed")
            if ends[-1] == "succeeded" and "failed" in ends:
                assert any(f"{target} succeeded" in text for text in chat.texts)


@given(STEPS, st.integers(1, 3))
def test_all_targets_together_are_bounded(steps: list[Step], most: int) -> None:
    chat = Chat(Rates(WITHIN, most)).follow(steps)
    chat.passes(10 * WINDOW)

    times = [at for at, text in chat.said if "more message" not in text]
    for at in times:
        assert sum(at <= other < at + WINDOW for other in times) <= 2 * most


@pytest.mark.parametrize("name", ["failed", "trouble"])
def test_it_does_not_matter_when_somebody_looks(name: str) -> None:
    """A watcher that was away says the same later."""
    chat = Chat()
    for _ in range(3):
        chat.happens(name)
    late = summaries.flush(chat.summary, chat.now + 100 * WINDOW, ALL)

    noun = "failures" if name == "failed" else "events"
    assert late.texts == (f"2 more {noun} of shop in 10 minutes",)
