"""What came of an attempt to send a message. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dispatcher.notifications.backoff import retry_after

BUSY = (408, 425, 429)
"""Statuses of requests that may succeed later, though they begin with 4."""


@dataclass(frozen=True)
class Taken:
    """The receiver has it."""


@dataclass(frozen=True)
class NotTaken:
    """The receiver does not have it, or its answer was lost."""

    reason: str
    final: bool = False
    """Whether another attempt would come to the same."""
    retry_after: float = 0.0
    """Seconds for which it asks to be left alone."""


Answer: TypeAlias = Taken | NotTaken


def of_status(status: int, retry: str = "", now: float = 0.0) -> Answer:
    """`retry` is the response's Retry-After header, `now` seconds since the epoch."""
    if 200 <= status < 300:
        return Taken()
    if 300 <= status < 400:
        reason = f"answered {status}: redirects are not followed; configure the new address"
        return NotTaken(reason, final=True)
    if status == 410:
        return NotTaken("answered 410: it is gone for good", final=True)
    final = 400 <= status < 500 and status not in BUSY
    return NotTaken(f"answered {status}", final, retry_after(retry, now))
