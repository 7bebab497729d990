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
