"""Makes every unauthenticated request cost the same, whether or not its hook exists. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dispatcher.config import Hook
from dispatcher.webhooks.verification_cost import MAX_SIGNATURES, Cost

SLACK = 4 * MAX_SIGNATURES
"""Bytes that padding adds to the signatures of a header."""
USUAL_BODY = Hook.model_fields["max_body"].default


@dataclass(frozen=True)
class UniformCost:
    """The cost of every unauthenticated request: the highest of any hook."""

    body: int = USUAL_BODY
    """Bytes of a body that are read; a hook with a lower limit answers 413 after authentication."""
    hashes: int = 1
    """How often a rejected body is hashed: once for each secret of the hook with the most."""

    @classmethod
    def of(cls, hooks: Iterable[Hook]) -> UniformCost:
        known = tuple(hooks)
        return cls(
            max([USUAL_BODY, *(hook.max_body for hook in known)]),
            max([1, *(len(hook.secrets) for hook in known)]),
        )

    def rejecting(self, headers: Iterable[tuple[bytes, bytes]]) -> Cost:
        """The highest cost of a rejection. No provider decodes or hashes more header bytes than were sent,
        or compares more than MAX_SIGNATURES for each secret."""
        sent = sum(len(value) for _, value in headers)
        return Cost(self.hashes, 2 * sent + SLACK, MAX_SIGNATURES * self.hashes)
