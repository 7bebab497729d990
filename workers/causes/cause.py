"""The cause of a wait or of an end: its kind, one sentence, and whether to retry."""

from __future__ import annotations

import msgspec

from dispatcher.domain.cause import CauseKind

LONGEST = 500
"""Characters of a sentence; Kubernetes' messages can be any length."""


class Cause(msgspec.Struct, frozen=True):
    """With `retry` the cluster was at fault, and the deploy is retried."""

    kind: CauseKind
    why: str
    retry: bool = False


def cause(kind: CauseKind, *parts: str, retry: bool = False) -> Cause:
    """A cause whose sentence joins the parts; empty ones are left out."""
    text = ": ".join(part.strip() for part in parts if part.strip())
    return Cause(kind, text[:LONGEST], retry)


def seconds(count: int) -> str:
    """As in a configuration: `40s`, `15m`, `1h30m`."""
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        number, count = divmod(count, size)
        parts += [f"{number}{unit}"] if number else []
    return "".join(parts) or "0s"
