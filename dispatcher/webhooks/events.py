"""Builds the result of parsing an event, with the same reasons for every Git host. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.domain.push import Push
from dispatcher.webhooks import fields
from dispatcher.webhooks.results import Ignored, Received

RENAMED = "only pushes deploy: after a rename, change the repository's URL in targets and hooks"
"""Reason for ignoring a rename event: a target follows the URL in its configuration."""


def pushes(event: str, delivery: str, updates: Iterable[Push]) -> Received | Ignored:
    """The pushes to branches and tags; drops other refs (notes, reviews)."""
    wanted = tuple(push for push in updates if fields.is_branch_or_tag(push.ref))
    if not wanted:
        return ignored(event, delivery, "no branch or tag was updated")
    return Received(event=event, delivery_id=delivery, pushes=wanted)


def ignored(event: str, delivery: str, reason: str) -> Ignored:
    return Ignored(event=event, delivery_id=delivery, reason=reason)


def ping(event: str, delivery: str, what: str) -> Ignored:
    """The result for a test delivery."""
    return ignored(event, delivery, f"{what}: the hook works")
