"""What a verified delivery comes to, in the same words for every host. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.domain.model import Push
from dispatcher.webhooks import fields
from dispatcher.webhooks.shapes import Ignored, Received, Refused

RENAMED = "only pushes deploy: after a rename, change the repository's URL in targets and hooks"
"""For events that tell of a repository's new name: a target follows the URL that it was given."""


def taken(event: str, delivery: str, pushes: Iterable[Push]) -> Received | Ignored:
    """The pushes to branches and tags; what else there is (notes, reviews) is left out."""
    wanted = tuple(push for push in pushes if fields.is_branch_or_tag(push.ref))
    if not wanted:
        return ignored(event, delivery, "no branch or tag was updated")
    return Received(event=event, delivery_id=delivery, pushes=wanted)


def ignored(event: str, delivery: str, reason: str) -> Ignored:
    return Ignored(event=event, delivery_id=delivery, reason=reason)


def works(event: str, delivery: str, what: str) -> Ignored:
    """For a delivery whose only purpose is to arrive."""
    return ignored(event, delivery, f"{what}: the hook works")


def wrong_provider(header: str, host: str, provider: str) -> Refused:
    """A delivery that another host sent: what it means is not guessed."""
    return Refused(
        400,
        "wrong_provider",
        f"{header} says that {host} sent this: use a hook whose provider is {provider}",
    )
