"""Sends one receiver what happens, in order, and remembers in the ledger how far it is.

At least once: the ledger learns of a message after the receiver has taken it. A process that is killed in
between leads to the same message again, with the same id.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.errors import LeadershipLost, LedgerUnavailable
from dispatcher.domain.notification import Message
from dispatcher.ledger import Mail, Notifications, StreamedEvent, happened_at
from dispatcher.notifications.happenings import Happening
from dispatcher.notifications.routes import Route, Routed
from dispatcher.notifications.words import gap_between
from workers.notify.delivery import Clocks, Delivery, Terms
from workers.notify.sender import Sender

BATCH = 500
"""Events read at once."""
LONGEST_WAIT = 5.0
"""Seconds that Redis is asked to wait for an event. A courier that was stopped notices within that time."""
LEDGER_PAUSE = 1.0
"""Seconds until Redis is asked again if it did not answer."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a courier works with."""

    route: Route
    sender: Sender
    ledger: Notifications
    terms: Terms
    clocks: Clocks
    deploy: Callable[[str, int], Deploy | None]
    namespace: Callable[[str], str]
    """A target's, by the configuration; "" if that has no such target."""


@dataclass
class _Outbox:
    """Messages to send, and how far the receiver is when it has all of them."""

    cursor: str
    routed: Routed
    left: list[Message] = field(init=False)

    def __post_init__(self) -> None:
        self.left = list(self.routed.messages)


class Courier:
    """One receiver's. `run` it in a thread of its own; `stop` may be called from another."""

    def __init__(self, receiver: str, parts: Parts) -> None:
        self._receiver, self._parts = receiver, parts
        self._route, self._ledger = parts.route, parts.ledger
        self._stopped = threading.Event()
        self._known: Delivery | None = None
        self._outbox: _Outbox | None = None
        self._has_ledger = True

    def stop(self) -> None:
        """A message that is being sent may still arrive; what comes of it is not stored."""
        self._stopped.set()
        if self._known:
            self._known.is_stopped = True

    def run(self) -> None:
        """Sends until it is stopped, or its watcher leads no more."""
        try:
            while not self._stopped.is_set():
                self._try_a_round()
        except LeadershipLost:
            return
        finally:
            self._parts.sender.close()

    def _try_a_round(self) -> None:
        try:
            self.round()
            self._has_ledger = True
        except LedgerUnavailable as error:
            if self._has_ledger:  # once an outage
                log.warning("receiver waits for Redis", receiver=self._receiver, why=str(error))
            self._has_ledger = False
            self._stopped.wait(LEDGER_PAUSE)

    def round(self) -> None:
        """Waits for something to send, and sends it. Raises LedgerUnavailable and LeadershipLost."""
        mail = self._next_mail()
        for request in mail.requests:
            if not self._stopped.is_set():
                self._delivery.send_once(request)
        if self._stopped.is_set() or self._delivery.pause:
            return
        if self._empty_outbox() and self._send(mail):
            self._give_up_old()

    @property
    def _delivery(self) -> Delivery:
        if self._known is None:
            parts = self._parts
            self._known = Delivery(
                self._receiver, parts.sender, parts.ledger, parts.terms, parts.clocks
            )
        return self._known

    def _next_mail(self) -> Mail:
        delivery = self._delivery
        if delivery.pause:
            return self._ledger.wait(self._receiver, "", BATCH, _milliseconds(delivery.pause))
        if self._outbox:
            return Mail()
        cursor, block = delivery.state.cursor, _milliseconds(self._until_due())
        return self._ledger.wait(self._receiver, cursor, BATCH, block)

    def _until_due(self) -> float:
        due = self._route.due(self._delivery.state.summary)
        return (due - self._parts.clocks.now()) / 1000 if due else LONGEST_WAIT

    def _give_up_old(self) -> None:
        """After an attempt that failed: what else is too old does not wait until the pause is over."""
        while self._delivery.pause and not self._stopped.is_set():
            mail = self._ledger.wait(self._receiver, self._delivery.state.cursor, BATCH, 0)
            if not mail.last or not self._send(mail):
                return

    def _send(self, mail: Mail) -> bool:
        """False if a message is to be sent again: what comes after it waits."""
        if mail.events and not self._send_gap():
            return False
        for event in mail.events:
            if self._stopped.is_set() or not self._send_event(event):
                return False
        if mail.last:
            self._delivery.update(cursor=mail.last)
        if not self._send_due():
            return False
        self._delivery.store()
        return True

    def _send_gap(self) -> bool:
        """Says it if events were dropped before they could be sent; False if that is not said yet."""
        state = self._delivery.state
        left = self._ledger.gap(state.cursor)
        if not left or state.gap_after == state.cursor:
            return True
        why = gap_between(happened_at(state.cursor), happened_at(left))
        log.error("receiver has missed events", receiver=self._receiver, why=why)
        now = self._parts.clocks.now()
        self._delivery.update(gap_at=now, gap=why, gap_after=state.cursor)
        message = self._route.gap(state.cursor, why, now)
        return self._send_all(state.cursor, Routed(state.summary, (message,)))

    def _send_event(self, event: StreamedEvent) -> bool:
        """False if a message of it is to be sent again."""
        happening, summary = self._happening(event), self._delivery.state.summary
        if not self._route.concerns(happening, summary):
            self._delivery.update(cursor=event.id)
            return True
        if happening.number:
            deploy = self._parts.deploy(happening.target, happening.number)
            happening = happening.with_deploy(deploy)
        return self._send_all(event.id, self._route.of(happening, summary))

    def _happening(self, event: StreamedEvent) -> Happening:
        return Happening(
            id=event.id,
            target=event.target,
            number=event.number,
            ref=event.ref,
            commit=event.commit,
            event=event.event,
            namespace=self._parts.namespace(event.target),
        )

    def _send_due(self) -> bool:
        """Sends what is due by the clock."""
        state, now = self._delivery.state, self._parts.clocks.now()
        due = self._route.due(state.summary)
        if not due or due > now:
            return True
        return self._send_all(state.cursor, self._route.flush(state.summary, now))

    def _send_all(self, cursor: str, routed: Routed) -> bool:
        self._outbox = _Outbox(cursor, routed)
        return self._empty_outbox()

    def _empty_outbox(self) -> bool:
        """False if a message is to be sent again."""
        box = self._outbox
        if box is None:
            return True
        while box.left:
            if not self._delivery.send(box.left[0]):
                return False
            del box.left[0]
        self._delivery.update(cursor=box.cursor, summary=box.routed.summary)
        self._outbox = None
        if box.routed.messages:
            self._delivery.store()
        return True


def _milliseconds(seconds: float) -> int:
    return int(max(0.0, min(seconds, LONGEST_WAIT)) * 1000)
