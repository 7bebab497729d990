"""An event with what is known of its deploy: what messages are made of. Values only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.event import Event
from dispatcher.domain.notification import EventName, name_of


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What happened, to what."""

    id: str
    """The event's: the same whenever it is sent."""
    target: str
    number: int
    ref: str
    commit: str
    event: Event
    namespace: str = ""
    deploy: Deploy | None = None
    """As it is now; None if the ledger no longer has it."""

    @property
    def name(self) -> EventName:
        return name_of(self.event)

    @property
    def subject(self) -> str:
        """`shop/42`, `shop`, or "" for all targets."""
        return f"{self.target}/{self.number}" if self.number else self.target

    def with_deploy(self, deploy: Deploy | None) -> Happening:
        return replace(self, deploy=deploy)
