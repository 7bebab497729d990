"""Keeps a chat readable: what is said at once, what is left out, and what is said of it later. Pure.

Of a target one event is said in a window. What else happens is counted, and the counts are said when the window
ends, which begins the next one. The first recovery in a window is said at once, since somebody waits for it,
with the counts until then: later they would look like another failure. All targets together have a window too:
what is too many in it is counted, by target.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from dispatcher.domain.notification import EventName, Summary, Window
from dispatcher.notifications import words

MOST_WINDOWS = 500
"""Targets that are remembered; beyond, those make room of which nothing is to be said."""
MOST_NAMED = 100
"""Targets whose left out messages are counted one by one."""


class Nature(StrEnum):
    FAILURE = "failure"  # something is wrong from now on
    RECOVERY = "recovery"  # it is not wrong any more
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Note:
    """An event, as far as summaries care."""

    target: str
    at: int
    text: str
    nature: Nature = Nature.OTHER
    issue: str = ""
    """What is wrong, or not any more."""


class Rates(NamedTuple):
    within: int
    """Seconds."""
    most: int

    @property
    def milliseconds(self) -> int:
        return self.within * 1000


class Said(NamedTuple):
    """What to send now, oldest first, and what to remember."""

    summary: Summary
    texts: tuple[str, ...] = ()


DEPLOY, HOLD = "deploy", "hold"
"""Issues: the last deploy failed; something holds the target up, which is no failure."""
FAILURES = {"failed": DEPLOY, "lost": DEPLOY, "trouble": HOLD}
RECOVERIES = {"succeeded": DEPLOY, "recovered": HOLD}
"""Name of an event -> the issue that it opens, or closes."""


def nature(name: EventName, summary: Summary, target: str) -> tuple[Nature, str]:
    """The event's nature and issue: a success is a recovery only from a failure that the chat knows of."""
    if issue := FAILURES.get(name):
        return Nature.FAILURE, issue
    issue = RECOVERIES.get(name, "")
    if issue and issue in summary.windows.get(target, Window()).issues:
        return Nature.RECOVERY, issue
    return Nature.OTHER, ""


def add(summary: Summary, note: Note, rates: Rates) -> Said:
    """What is said when this has happened, after what was due before."""
    due = flush(summary, note.at, rates)
    summary, before = due
    known = note.target in summary.windows
    if not known and _is_full(summary, note.at, rates):
        return Said(_leave_out(summary, note.target), before)
    window, text = _STEPS[note.nature](summary.windows.get(note.target, Window()), note, rates)
    summary = _remember(summary, note.target, window)
    said = _say(summary, note.target, text, note.at, rates) if text else Said(summary)
    return Said(said.summary, (*before, *said.texts))


def flush(summary: Summary, now: int, rates: Rates) -> Said:
    """What is said of what was left out in windows that have ended."""
    texts: list[str] = []
    if summary.until and summary.until <= now:
        if summary.left_out:
            texts.append(words.left_out_of_all(summary.left_out, rates.within))
        summary = replace(summary, until=0, said=0, left_out={})
    for target, window in summary.windows.items():
        if window.until and window.until <= now:
            left = _left_out(target, window, rates)
            until = now + rates.milliseconds if left else 0
            summary = _remember(summary, target, Window(until=until, issues=window.issues))
            if left:
                said = _say(summary, target, left, now, rates)
                summary = said.summary
                texts += said.texts
    return Said(summary, tuple(texts))


def due(summary: Summary) -> int:
    """When something that was left out has to be said, at the earliest; 0 if nothing was."""
    waiting = (window.until for window in summary.windows.values() if _has_left_out(window))
    own = [summary.until] if summary.left_out else []
    return min([*waiting, *own], default=0)


def _failure(window: Window, note: Note, rates: Rates) -> tuple[Window, str]:
    back = {issue: text for issue, text in window.back.items() if issue != note.issue}
    window = replace(window, issues=_with(window.issues, note.issue), back=back)
    if note.at < window.until and note.issue != HOLD:
        return replace(window, failures=window.failures + 1), ""
    return _other(window, note, rates)


def _recovery(window: Window, note: Note, rates: Rates) -> tuple[Window, str]:
    window = replace(window, issues=tuple(each for each in window.issues if each != note.issue))
    if note.issue in window.resolved and note.at < window.until:
        return replace(window, back={**window.back, note.issue: note.text}), ""
    until, resolved = note.at + rates.milliseconds, _with(window.resolved, note.issue)
    text = note.text + words.after(window.failures, window.others)
    return replace(window, until=until, resolved=resolved, failures=0, others=0), text


def _other(window: Window, note: Note, rates: Rates) -> tuple[Window, str]:
    if note.at < window.until:
        return replace(window, others=window.others + 1), ""
    return replace(window, until=note.at + rates.milliseconds), note.text


_STEPS = {Nature.FAILURE: _failure, Nature.RECOVERY: _recovery, Nature.OTHER: _other}


def _with(issues: tuple[str, ...], issue: str) -> tuple[str, ...]:
    return issues if issue in issues else (*issues, issue)


def _has_left_out(window: Window) -> bool:
    return bool(window.failures or window.others or window.back)


def _left_out(target: str, window: Window, rates: Rates) -> str:
    counted = bool(window.failures or window.others)
    name = target or "everything"
    counts = words.left_out(name, window.failures, window.others, rates.within)
    return ". ".join([*([counts] if counted else []), *window.back.values()])


def _remember(summary: Summary, target: str, window: Window) -> Summary:
    windows = {name: each for name, each in summary.windows.items() if name != target}
    if window != Window():
        windows[target] = window
    if len(windows) > MOST_WINDOWS:
        dispensable = (name for name, each in windows.items() if not _has_left_out(each))
        windows.pop(next(dispensable, next(iter(windows))))
    return replace(summary, windows=windows)


def _is_full(summary: Summary, at: int, rates: Rates) -> bool:
    return at < summary.until and summary.said >= rates.most


def _say(summary: Summary, target: str, text: str, at: int, rates: Rates) -> Said:
    """Says it, unless that is one message too many."""
    if _is_full(summary, at, rates):
        return Said(_leave_out(summary, target))
    if at >= summary.until:
        return Said(replace(summary, until=at + rates.milliseconds, said=1), (text,))
    return Said(replace(summary, said=summary.said + 1), (text,))


def _leave_out(summary: Summary, target: str) -> Summary:
    counts = summary.left_out
    name = target if target in counts or len(counts) < MOST_NAMED else ""
    return replace(summary, left_out={**counts, name: counts.get(name, 0) + 1})
