"""From what happened to the messages of one receiver. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from dispatcher.domain.notification import GAP, Message, Summary
from dispatcher.notifications import cloudevents, summaries, words
from dispatcher.notifications.happenings import Happening
from dispatcher.notifications.selection import Choice, is_concerned, wants, wants_kind
from dispatcher.notifications.summaries import Nature, Note, Rates


class Routed(NamedTuple):
    """The messages to send, in order, and what the receiver's summary is from then on."""

    summary: Summary
    messages: Sequence[Message] = ()


class Route(Protocol):
    """What a receiver is sent."""

    def of(self, happening: Happening, summary: Summary) -> Routed:
        """What it is sent of an event."""
        ...

    def concerns(self, happening: Happening, summary: Summary) -> bool:
        """Whether the event can lead to a message; its deploy is not needed to tell."""
        ...

    def due(self, summary: Summary) -> int:
        """When `flush` has something to send; 0 for never."""
        ...

    def flush(self, summary: Summary, now: int) -> Routed:
        """What it is sent because time has passed."""
        ...

    def gap(self, after: str, why: str, at: int) -> Message: ...


class WebhookRoute:
    """Every event that the webhook wants, one by one."""

    def __init__(self, choice: Choice, instance: str) -> None:
        self._choice, self._instance = choice, instance

    def of(self, happening: Happening, summary: Summary) -> Routed:
        return Routed(summary, (cloudevents.event(happening, self._instance),))

    def concerns(self, happening: Happening, summary: Summary) -> bool:
        return wants(self._choice, happening.event, happening.target, happening.namespace)

    def due(self, summary: Summary) -> int:
        return 0

    def flush(self, summary: Summary, now: int) -> Routed:
        return Routed(summary)

    def gap(self, after: str, why: str, at: int) -> Message:
        return cloudevents.gap(f"gap-{after}", after, why, at, self._instance)


class ChatRoute:
    """Events in words, summarised where they are many; and the recovery from each issue that it has said."""

    def __init__(self, choice: Choice, rates: Rates) -> None:
        self._choice, self._rates = choice, rates

    def of(self, happening: Happening, summary: Summary) -> Routed:
        nature, issue = summaries.nature(happening.name, summary, happening.target)
        back = nature is Nature.RECOVERY and happening.name == "succeeded"
        note = Note(
            target=happening.target,
            at=happening.event.at,
            text=words.again(happening) if back else words.sentence(happening),
            nature=nature,
            issue=issue,
        )
        said = summaries.add(summary, note, self._rates)
        return Routed(said.summary, _numbered(said.texts, happening))

    def concerns(self, happening: Happening, summary: Summary) -> bool:
        if not is_concerned(self._choice, happening.target, happening.namespace):
            return False
        nature, _ = summaries.nature(happening.name, summary, happening.target)
        return nature is Nature.RECOVERY or wants_kind(self._choice, happening.event)

    def due(self, summary: Summary) -> int:
        return summaries.due(summary)

    def flush(self, summary: Summary, now: int) -> Routed:
        said = summaries.flush(summary, now, self._rates)
        texts = enumerate(said.texts)
        messages = [
            Message(id=f"summary-{now}-{number}", name="summary", at=now, text=text)
            for number, text in texts
        ]
        return Routed(said.summary, messages)

    def gap(self, after: str, why: str, at: int) -> Message:
        return Message(id=f"gap-{after}", name=GAP, at=at, text=words.gap(why))


def _numbered(texts: Sequence[str], happening: Happening) -> list[Message]:
    """The last has the event's own id."""
    last = len(texts) - 1
    return [
        Message(
            id=happening.id if number == last else f"{happening.id}-{number}",
            name=happening.name,
            target=happening.target,
            number=happening.number,
            at=happening.event.at,
            text=text,
        )
        for number, text in enumerate(texts)
    ]
