"""JSON bodies about notifications. Must not contain a secret: of a receiver's URL, only scheme and host."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dispatcher.domain.notification import DeadLetter
from dispatcher.http.api.schemas.times import rfc3339


class ReceiverKind(StrEnum):
    WEBHOOK = "webhook"
    CHAT = "chat"


class ReceiverInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver of notifications, and how far it is."""

    name: str
    kind: ReceiverKind
    url: str
    """Without its path, which can hold a token."""
    targets: tuple[str, ...] = ()
    """Globs; none for all. So are `namespaces`, `events` and `causes`."""
    namespaces: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    sent: int = 0
    """How many messages it has taken."""
    sent_at: str | None = None
    """When it took one last."""
    behind_since: str | None = None
    """When the oldest event happened that was not dealt with yet; null if there is none."""
    failed_at: str | None = None
    """When an attempt failed last."""
    error: str = ""
    """Why, if none has succeeded since."""
    attempts: int = 0
    """How often in a row the message in front has failed."""
    gap_at: str | None = None
    gap: str = ""
    """When and which events were dropped before they were sent."""
    request: str = ""
    """Id of what a person had sent last: a test, or a dead letter."""
    outcome: str = ""
    """What came of it."""


class ReceiverList(msgspec.Struct, frozen=True):
    receivers: tuple[ReceiverInfo, ...]
    """In the order of the configuration, webhooks first."""


class DeadLetterInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was given up."""

    id: str
    receiver: str
    at: str | None
    """When it was given up."""
    reason: str
    attempts: int
    message: str
    """Id of the message, which is its event's."""
    event: str
    """A deploy's new state, or what else happened."""
    subject: str
    """The deploy or the target; empty for all targets."""


class DeadLetterPage(msgspec.Struct, frozen=True, kw_only=True):
    dead_letters: tuple[DeadLetterInfo, ...]
    """Newest first."""
    next: str = ""
    """The cursor of the next page; empty on the last one."""


class RequestedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The leading watcher sends it now; the receiver's `request` and `outcome` say what came of it."""

    receiver: str
    message: str
    request: str


def dead_letter_info(id: str, letter: DeadLetter) -> DeadLetterInfo:
    return DeadLetterInfo(
        id=id,
        receiver=letter.receiver,
        at=rfc3339(letter.at),
        reason=letter.reason,
        attempts=letter.attempts,
        message=letter.message.id,
        event=letter.message.name,
        subject=letter.message.subject,
    )
