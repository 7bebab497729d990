"""Notifications: what is sent to whom of what happened, and what came of it. Values only.

Times are milliseconds since the epoch, by Redis' clock; 0 is "never".
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from dispatcher.domain.deploy import State
from dispatcher.domain.event import Event, EventKind

EventName: TypeAlias = str
"""A deploy's new state, or what else happened: one of EVENT_NAMES."""
EVENT_NAMES: tuple[EventName, ...] = (
    *map(str, State),
    *(str(kind) for kind in EventKind if kind is not EventKind.STATE),
)
TEST = "test"
"""Stands for an event's name in a test."""
GAP = "gap"
"""Stands for an event's name where events were dropped before they were sent."""


def name_of(event: Event) -> EventName:
    """`failed` where a deploy came to that state; else what kind of event it is."""
    return str(event.state if event.kind is EventKind.STATE else event.kind)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver is sent: the same text, under the same id, each time that it is tried."""

    id: str
    """The event's; of several messages of one event, the later ones have a number behind it."""
    name: EventName
    target: str = ""
    """"" for what concerns all targets."""
    number: int = 0
    """The deploy's; 0 for what concerns the target."""
    at: int
    """When the event happened."""
    text: str
    """To a webhook the body, to a chat the words."""

    @property
    def subject(self) -> str:
        return f"{self.target}/{self.number}" if self.number else self.target


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was given up."""

    receiver: str
    at: int
    reason: str
    """Why it was given up: what the receiver answered last."""
    attempts: int
    message: Message


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A target in a chat: until when nothing more is said of it, and what was left out."""

    until: int = 0
    """0 where something may be said."""
    failures: int = 0
    others: int = 0
    """How many failures and other events were left out."""
    issues: tuple[str, ...] = ()
    """What the chat knows to be wrong with it."""
    resolved: tuple[str, ...] = ()
    """Issues whose end was said in this window."""
    back: dict[str, str] = {}
    """Issue -> what would have been said of its end, where that was left out."""


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a chat was sent lately, and what was left out."""

    windows: dict[str, Window] = {}
    """By target."""
    until: int = 0
    """End of the window of all targets together."""
    said: int = 0
    """Messages in it."""
    left_out: dict[str, int] = {}
    """Target -> messages that were too many in it; "" for those of further targets."""


class ReceiverState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a receiver has been sent what happened, and what came of the last attempts."""

    cursor: str
    """Id of the last event that was dealt with."""
    sent_at: int = 0
    """When a message was taken last."""
    sent: int = 0
    """How many were taken."""
    failed_at: int = 0
    """When an attempt failed last."""
    error: str = ""
    """Why, if none has succeeded since."""
    attempts: int = 0
    """How often in a row the message in front has failed."""
    gap_at: int = 0
    gap: str = ""
    """When and which events were dropped before they were sent."""
    gap_after: str = ""
    """The cursor where that was found."""
    request: str = ""
    outcome: str = ""
    """Id of what a person had sent last, and what came of it."""
    summary: Summary = Summary()
