"""When to try again what a receiver has not taken. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST = 1.0
"""Seconds before the second attempt, about."""


def pause(failures: int, longest: float, asked: float, chance: float) -> float:
    """Seconds until the next attempt, after so many failures in a row.

    Doubles, and half of it is up to `chance`, which is between 0 and 1: receivers that went away together are
    not tried together. `asked` is how long the receiver asks to be left alone; it counts where it is longer.
    """
    doubled = min(longest, FIRST * 2.0 ** min(failures - 1, 30))
    return max(doubled * (0.5 + 0.5 * chance), min(asked, longest))


def retry_after(value: str, now: float) -> float:
    """Seconds that a Retry-After header asks for; 0 for none, or for one that cannot be read.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.fromtimestamp(now, UTC)).total_seconds())
