"""Happenings in words for a chat. Pure.

Nothing that a payload holds becomes markup, a mention or a link there: chat services read `<!channel>`,
`@everyone`, `*bold*`, `[text](address)` and `:emoji:` in what is meant as text, each in its own way.
"""

from __future__ import annotations

import re

from dispatcher.domain.durations import UNITS
from dispatcher.http.api.schemas.times import rfc3339
from dispatcher.notifications.happenings import Happening

LONGEST = 200
"""Characters of one part that a payload or a person gave."""

_LOOKALIKES = str.maketrans(
    {
        "<": "‹", ">": "›", "&": "＆", "@": "＠", "*": "∗", "`": "'", "~": "∼",  # noqa: RUF001
        "[": "［", "]": "］", "|": "¦", "\\": "∖", "#": "＃", "$": "＄",  # noqa: RUF001
    }
)  # fmt: skip
_EDGES = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
_COLONS = re.compile(r":(?=[\w+-]+:)|(?<=:):|:(?=//)")
_DOMAINS = re.compile(r"(?<=\w)\.(?=[^\W\d_]{2,}(?![\w.]))|(?<=www)\.", re.IGNORECASE)

SENTENCES = {
    "created": "{subject} was created{commit}",
    "coalesced": "{subject} was given a newer commit{commit}",
    "pending": "{subject} waits again{why}",
    "starting": "{subject} is starting{commit}",
    "running": "{subject} is running{commit}",
    "stopping": "{subject} is being stopped{why}",
    "succeeded": "{subject} succeeded{commit}",
    "failed": "{subject} failed{why}{commit}",
    "superseded": "{subject} was superseded{why}",
    "cancelled": "{subject} was cancelled{by}{why}",
    "lost": "{subject} is lost{why}{commit}",
    "cause": "{subject} does not go on{why}",
    "cancel": "{subject} was asked to stop{by}",
    "released": "{subject} was released{by}{why}",
    "cleaned": "{subject} is cleaned up",
    "trouble": "{subject} is held up{why}",
    "recovered": "{subject} is no longer held up",
    "paused": "{subject} was paused{by}{why}",
    "resumed": "{subject} was resumed{by}",
}
"""Name of an event -> what is said."""


def plain(text: str, most: int = LONGEST) -> str:
    """Text on one line, without what a chat service may take for markup, a mention or a link."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    line = _COLONS.sub("꞉", line.translate(_LOOKALIKES))  # noqa: RUF001
    return _DOMAINS.sub("․", _EDGES.sub("＿", line))  # noqa: RUF001


def sentence(happening: Happening) -> str:
    """`shop/42 failed: script exited with 2 (commit 3f2a9c1e by ann). git-dispatcher show shop/42`."""
    said = SENTENCES[happening.name].format(
        subject=happening.subject or "everything",
        why=_part(": {}", happening.event.why),
        by=_part(" by {}", happening.event.by),
        commit=_commit(happening),
    )
    return f"{said}. {_command(happening)}"


def again(happening: Happening) -> str:
    """`shop is deployed again: shop/45`."""
    return f"{happening.target} is deployed again: {happening.subject}"


def left_out(target: str, failures: int, others: int, within: int) -> str:
    """`5 more failures of shop in 10 minutes`; `within` is seconds."""
    return f"{_counted(failures, others)} of {target} in {duration(within)}"


def after(failures: int, others: int) -> str:
    """`, after 2 more failures`, behind a recovery; "" where nothing was left out."""
    shown = _counted(failures, others)
    return f", after {shown}" if shown else ""


def left_out_of_all(counts: dict[str, int], within: int) -> str:
    """`480 more messages about shop, docs and 118 more targets in 10 minutes`; "" counts for further ones."""
    named = sorted(name for name in counts if name)
    shown, more = named[:5], len(named) - 5
    last = ["others"] if "" in counts else [_count(more, "more target")] if more > 0 else []
    about = ", ".join(shown) + (f" and {last[0]}" if last else "")
    total = _count(sum(counts.values()), "more message")
    return f"{total} about {about} in {duration(within)}. git-dispatcher targets"


def gap_between(after: int, before: int) -> str:
    """Of what is missing; `after` is when the last event before the gap happened, 0 if there was none."""
    since = f"between {rfc3339(after)} and" if after else "before"
    return f"what happened {since} {rfc3339(before)} was dropped before it could be sent"


def gap(why: str) -> str:
    return f"Not everything that happened was said: {plain(why)}. git-dispatcher targets"


def test(by: str) -> str:
    return f"This is a test of git-dispatcher{_part(', asked for by {}', by)}"


def duration(seconds: int) -> str:
    """`10 minutes`, `90 seconds`."""
    names = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
    unit = next(unit for unit in names if seconds % UNITS[unit] == 0 or unit == "s")
    return _count(seconds // UNITS[unit], names[unit])


def _counted(failures: int, others: int) -> str:
    counts = [(failures, "more failure"), (others, "other event" if failures else "more event")]
    return " and ".join(_count(number, noun) for number, noun in counts if number)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _part(shape: str, text: str) -> str:
    return shape.format(plain(text)) if text else ""


def _commit(happening: Happening) -> str:
    if not happening.commit:
        return ""
    deploy = happening.deploy
    by = happening.event.by or (deploy.requested_by if deploy else "")
    return f" (commit {happening.commit[:8]}{_part(' by {}', by)})"


def _command(happening: Happening) -> str:
    if happening.number:
        return f"git-dispatcher show {happening.subject}"
    return (
        f"git-dispatcher deploys {happening.target}"
        if happening.target
        else "git-dispatcher targets"
    )
