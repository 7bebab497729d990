"""What a request costs that is not authenticated: the same for every hook, there or not. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dispatcher.config import Hook
from dispatcher.webhooks.verification_cost import MAX_SIGNATURES, Cost

SLACK = 4 * MAX_SIGNATURES
"""Bytes by which padding makes the signatures of a header longer."""
USUAL_BODY = Hook.model_fields["max_body"].default


@dataclass(frozen=True)
class UniformCost:
    """What every unauthenticated request costs: the most that any hook asks for."""

    body: int = USUAL_BODY
    """Bytes that are read; a hook that takes fewer says so once the sender is authenticated."""
    hashes: int = 1
    """How often a body is hashed before it is rejected: a hook does it once for each of its secrets."""

    @classmethod
    def of(cls, hooks: Iterable[Hook]) -> UniformCost:
        known = tuple(hooks)
        return cls(
            max([USUAL_BODY, *(hook.max_body for hook in known)]),
            max([1, *(len(hook.secrets) for hook in known)]),
        )

    def rejecting(self, headers: Iterable[tuple[bytes, bytes]]) -> Cost:
        """What a rejection costs at the most: whatever the headers of a hook are called, it decodes and hashes
        no more than was sent, and compares no more than so many for each of its secrets."""
        sent = sum(len(value) for _, value in headers)
        return Cost(self.hashes, 2 * sent + SLACK, MAX_SIGNATURES * self.hashes)
