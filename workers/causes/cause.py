"""The cause of a wait or of an end: its kind, one sentence, and whose doing it was."""

from __future__ import annotations

import msgspec

from dispatcher.domain.cause import CauseKind

LONGEST = 500
"""Characters of a sentence; Kubernetes' messages can be any length."""


class Cause(msgspec.Struct, frozen=True):
    """`retry` says that it was the cluster's doing, so that the deploy is tried again."""

    kind: CauseKind
    why: str
    retry: bool = False


def cause(kind: CauseKind, *said: str, retry: bool = False) -> Cause:
    """A cause whose sentence is what was said, part by part; empty parts are left out."""
    text = ": ".join(part.strip() for part in said if part.strip())
    return Cause(kind, text[:LONGEST], retry)


def seconds(count: int) -> str:
    """As a configuration says it: `40s`, `15m`, `1h30m`."""
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        number, count = divmod(count, size)
        parts += [f"{number}{unit}"] if number else []
    return "".join(parts) or "0s"
