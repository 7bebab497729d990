"""Bytes of a container's log, as the Kubernetes API sends them with timestamps → lines. Pure.

https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#read-log-pod-v1-core
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from dispatcher.domain.log import LogLine, LogPosition

LONGEST_LINE = 16_384
"""Bytes of a line that are relayed."""
_STAMP = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ", re.ASCII
)
_LONGEST_STAMP = 40


class LineReader:
    """Reads one answer of the API from its beginning; leaves out what is known already."""

    def __init__(self, known: LogPosition) -> None:
        """`known`: the last line that was read before, by an answer that this one overlaps."""
        self._known = known.at, known.nth
        self._skips = known.nth >= 0
        self._at, self._nth = 0, -1
        self._rest, self._cut = b"", 0
        """The line that has no end yet, and how many bytes of it were left out."""

    def take(self, data: bytes) -> list[LogLine]:
        """The lines that these bytes complete."""
        *ended, rest = data.split(b"\n")
        found = []
        for piece in ended:
            self._grow(piece)
            found.append(self._line())
        self._grow(rest)
        return self._new(found)

    def rest(self) -> list[LogLine]:
        """The last line where it has no end: only at the end of a log is it one."""
        return self._new([self._line()] if self._rest else [])

    def _grow(self, piece: bytes) -> None:
        room = LONGEST_LINE + _LONGEST_STAMP - len(self._rest)
        self._rest += piece[:room]
        self._cut += max(0, len(piece) - room)

    def _line(self) -> LogLine:
        raw, cut = self._rest, self._cut
        self._rest, self._cut = b"", 0
        stamp = _STAMP.match(raw)
        at = nanoseconds(stamp) if stamp else self._at  # else it is from the kubelet itself
        self._nth = self._nth + 1 if at == self._at else 0
        self._at = at
        text = raw[stamp.end() :] if stamp else raw
        cut += max(0, len(text) - LONGEST_LINE)
        shown = text[:LONGEST_LINE].decode(errors="replace")
        return LogLine(at, self._nth, f"{shown} … {cut} bytes left out" if cut else shown)

    def _new(self, lines: Iterable[LogLine]) -> list[LogLine]:
        found = []
        for line in lines:
            self._skips = self._skips and (line.at, line.nth) <= self._known
            if not self._skips:
                found.append(line)
        return found


def nanoseconds(stamp: re.Match[bytes]) -> int:
    """Of a time in RFC 3339, since the epoch."""
    whole, fraction, zone = (part.decode() if part else "" for part in stamp.groups())
    try:
        moment = datetime.fromisoformat(whole + zone)
    except ValueError:  # a 30th of February
        return 0
    return int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0"))


def since(position: LogPosition) -> str:
    """From when on to read, so that no line is missed; the API counts in seconds. "" from the beginning."""
    if position.nth < 0:
        return ""
    moment = datetime.fromtimestamp(position.at // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
