"""What sends a message to a receiver, whatever kind of receiver it is."""

from __future__ import annotations

import logging
from typing import Protocol

from dispatcher.domain.notification import Message
from dispatcher.notifications.answers import Answer


class Sender(Protocol):
    """One receiver's. Raises nothing: what goes wrong is an answer."""

    def send(self, message: Message) -> Answer: ...

    def close(self) -> None: ...


def keep_addresses_unlogged(*loggers: str) -> None:
    """Of these libraries only warnings are logged: below that they log URLs, which can hold tokens."""
    for name in loggers:
        logging.getLogger(name).setLevel(logging.WARNING)
