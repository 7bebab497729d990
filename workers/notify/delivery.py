"""Gets single messages to one receiver: tries again, gives up, and stores in the ledger what came of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from msgspec.structs import replace

from dispatcher.domain.notification import TEST, DeadLetter, Message
from dispatcher.ledger import Notifications, Request
from dispatcher.notifications import backoff
from dispatcher.notifications.answers import Answer, NotTaken, Taken
from workers.notify.sender import Sender

LONGEST_REASON = 300
"""Characters."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How long a message is tried."""

    longest_pause: float
    """Seconds between two attempts."""
    give_up_after: int
    """Milliseconds. If an attempt fails, messages of older events are given up."""


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """Time and chance."""

    now: Callable[[], int]
    """Redis' clock, in milliseconds."""
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


class Delivery:
    """One receiver's. Raises LedgerUnavailable and LeadershipLost."""

    def __init__(
        self, receiver: str, sender: Sender, ledger: Notifications, terms: Terms, clocks: Clocks
    ) -> None:
        self._receiver, self._sender, self._ledger = receiver, sender, ledger
        self._terms, self._clocks = terms, clocks
        self.state = ledger.state(receiver)
        """As it is; the ledger has it from the last `store` on."""
        self._stored = self.state
        self.is_stopped = False
        """Another courier of the receiver runs by now: nothing is stored any more."""
        self._failures = 0
        """Attempts in a row that failed."""
        self._not_before = 0.0

    @property
    def pause(self) -> float:
        """Seconds until messages may be sent again; 0 if they may now."""
        return max(0.0, self._not_before - self._clocks.monotonic())

    def update(self, **fields: Any) -> None:
        """Changes the state; `store` stores it."""
        self.state = replace(self.state, **fields)

    def store(self, given_up: DeadLetter | None = None, done: str = "") -> None:
        if self.is_stopped:
            return
        if given_up or done or self.state != self._stored:
            self._ledger.save(self._receiver, self.state, given_up=given_up, done=done)
            self._stored = self.state

    def send(self, message: Message) -> bool:
        """True if the message was taken or given up, False if it is to be sent again after the pause."""
        if not self.pause:
            answer = self._sender.send(message)
            if isinstance(answer, Taken):
                self._taken()
                return True
            self._not_taken(answer)
            if answer.final:
                self._give_up(message)
                return True
            self._begin_pause(answer)
        if self._is_old(message):
            self._give_up(message)
            return True
        self.store()
        return False

    def send_once(self, request: Request) -> None:
        """Sends what a person asked for, whether or not there is a pause: somebody waits for the outcome."""
        message = request.message
        answer = self._sender.send(message)
        if isinstance(answer, Taken):
            self._taken()
        else:
            self._not_taken(answer)
        self.update(request=request.id, outcome=_outcome(answer))
        is_lost = isinstance(answer, NotTaken) and message.name != TEST
        self.store(given_up=self._letter(message) if is_lost else None, done=request.entry)

    def _taken(self) -> None:
        if self._failures:
            log.info("receiver takes messages again", receiver=self._receiver)
        self._failures, self._not_before = 0, 0.0
        sent = self.state.sent + 1
        self.update(sent_at=self._clocks.now(), sent=sent, error="", attempts=0)

    def _not_taken(self, answer: NotTaken) -> None:
        reason = answer.reason[:LONGEST_REASON]
        attempts = self.state.attempts + 1
        self.update(failed_at=self._clocks.now(), error=reason, attempts=attempts)

    def _begin_pause(self, answer: NotTaken) -> None:
        if not self._failures:
            log.warning("receiver fails", receiver=self._receiver, why=answer.reason)
        self._failures += 1
        longest, chance = self._terms.longest_pause, self._clocks.chance()
        seconds = backoff.pause(self._failures, longest, answer.retry_after, chance)
        self._not_before = self._clocks.monotonic() + seconds

    def _is_old(self, message: Message) -> bool:
        return self._clocks.now() - message.at > self._terms.give_up_after

    def _give_up(self, message: Message) -> None:
        letter = self._letter(message)
        self.update(attempts=0)
        self.store(given_up=letter)

    def _letter(self, message: Message) -> DeadLetter:
        reason = self.state.error
        log.error("message given up", receiver=self._receiver, about=message.subject, why=reason)
        return DeadLetter(
            receiver=self._receiver,
            at=self._clocks.now(),
            reason=reason,
            attempts=self.state.attempts,
            message=message,
        )


def _outcome(answer: Answer) -> str:
    return "sent" if isinstance(answer, Taken) else f"not taken: {answer.reason[:LONGEST_REASON]}"
