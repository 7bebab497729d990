"""A courier between a real ledger and a real receiver, stepped by a test, with a clock that the test moves."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from dispatcher.config import Chat, Webhook
from dispatcher.domain.event import Event, EventKind
from dispatcher.domain.secret import Secret
from dispatcher.ledger import Mail, Notifications, Reader, Store
from dispatcher.ledger.events import entry
from dispatcher.notifications.routes import ChatRoute, Route, WebhookRoute
from dispatcher.notifications.summaries import Rates
from workers.notify.chat import ChatSender
from workers.notify.courier import Courier, Parts
from workers.notify.delivery import Clocks, Terms
from workers.notify.sender import Sender
from workers.notify.webhook import WebhookSender

KEY = b"whsec_" + base64.b64encode(b"k" * 32)
OLD_KEY = b"whsec_" + base64.b64encode(b"o" * 32)
NAME = "ops"


def webhook(url: str, **more: Any) -> Webhook:
    secrets = (Secret(KEY), Secret(OLD_KEY))
    return Webhook(**{"url": url, "secrets": secrets, "timeout": 1, **more})


def chat(url: str, **more: Any) -> Chat:
    where = url.replace("http://", "json://")
    return Chat(**{"url": Secret(f"{where}/a-token".encode()), **more})


class Waits(Notifications):
    """Does not wait: notes for how long it was asked to, and moves the clock on by that."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store)
        self.clock = clock

    def wait(self, receiver: str, cursor: str, most: int, block: int) -> Mail:
        mail = super().wait(receiver, cursor, most, 0)
        if not mail.last and not mail.requests:
            self.clock.pass_by(block / 1000)
        return mail


@dataclass
class Clock:
    seconds: float = 1000.0
    ahead: int = 0
    """Milliseconds by which Redis' clock is ahead of itself."""
    waited: list[float] = field(default_factory=list)

    def pass_by(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.seconds += seconds
        self.ahead += int(seconds * 1000)


class Bench:
    """One receiver's courier, and what it works with."""

    def __init__(self, store: Store, settings: Webhook | Chat) -> None:
        self.store, self.clock = store, Clock()
        self.ledger = Waits(store, self.clock)
        self.settings = settings
        self._senders: list[Sender] = []
        self.ledger.state(NAME)
        self.courier = self.another()

    def another(self) -> Courier:
        """Of a watcher that has just begun to lead."""
        route, sender = self._kind()
        self._senders.append(sender)
        settings = self.settings
        return Courier(
            NAME,
            Parts(
                route=route,
                sender=sender,
                ledger=self.ledger,
                terms=Terms(
                    longest_pause=settings.longest_pause,
                    give_up_after=settings.give_up_after * 1000,
                ),
                clocks=Clocks(
                    now=lambda: self.store.now() + self.clock.ahead,
                    monotonic=lambda: self.clock.seconds,
                    chance=lambda: 1.0,
                ),
                deploy=Reader(self.store).deploy,
                namespace=lambda target: "",
            ),
        )

    def _kind(self) -> tuple[Route, Sender]:
        if isinstance(self.settings, Webhook):
            return WebhookRoute(self.settings, "test"), WebhookSender(self.settings)
        rates = Rates(self.settings.summarize.within, self.settings.summarize.most)
        return ChatRoute(self.settings, rates), ChatSender(self.settings)

    def happens(self, kind: EventKind, target: str = "shop", **more: Any) -> None:
        event = Event(kind=kind, at=self.store.now() + self.clock.ahead, **more)
        self.store.write(entry(self.store, target, event))

    def rounds(self, count: int = 1) -> None:
        for _ in range(count):
            self.courier.round()

    def close(self) -> None:
        for sender in self._senders:
            sender.close()

    @property
    def state(self) -> Any:
        return self.ledger.states()[NAME]
