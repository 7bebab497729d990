"""How the API writes times and durations. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(milliseconds: int) -> str | None:
    """`2025-11-22T23:25:01.123Z`, None for 0."""
    if not milliseconds:
        return None
    when = EPOCH + timedelta(milliseconds=milliseconds)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(start: int, end: int) -> float | None:
    return max(0, end - start) / 1000 if start and end else None
