"""Reads the run log, which the containers write themselves (tests/crash/deploy.sh): what really ran."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One line of a container: that it began, ended, or saw another one alive."""

    what: str
    at: float
    """Milliseconds since the epoch."""
    pid: int
    number: int
    commit: str
    ref: str
    pod: str
    other: str


def read_lines(markers: Path, target: str) -> list[Line]:
    """In the order in which they were written; none for a target that never ran."""
    file = markers / target
    return [_line(text) for text in file.read_text().splitlines()] if file.exists() else []


def _line(text: str) -> Line:
    what, at, pid, _, number, commit, ref, pod, *other = text.split()
    return Line(what, int(at) / 1e6, int(pid), int(number), commit, ref, pod, " ".join(other))


def starts(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.what == "start"]


def overlaps(lines: list[Line]) -> list[str]:
    """One container was alive when another began: seen by itself, or told by the order of the lines.

    A container that was killed writes no end; only the next one's look tells whether it was gone.
    """
    seen = [
        f"{line.pod} began while {line.other} was alive" for line in lines if line.what == "overlap"
    ]
    ended = {line.pod for line in lines if line.what == "end"}
    open_: set[str] = set()
    for line in lines:
        if line.what == "start":
            seen += [f"{line.pod} began before {pod} ended" for pod in sorted(open_ & ended)]
            open_.add(line.pod)
        elif line.what == "end":
            open_.discard(line.pod)
    return seen
