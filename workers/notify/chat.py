"""Sends words to chats, by mail and so on: to any service that apprise knows.

https://github.com/caronc/apprise
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from dispatcher.config import Chat
from dispatcher.domain.notification import Message
from dispatcher.notifications.answers import Answer, NotTaken, Taken, of_status
from workers.notify.sender import keep_addresses_unlogged

if TYPE_CHECKING:
    from apprise import Apprise

TITLE = "git-dispatcher"
STATUS = re.compile(r"\berror=(\d{3})\b")
"""How apprise's services log the status of a response."""
UNKNOWN = (
    "apprise knows no such service, or its URL lacks a part; "
    "https://github.com/caronc/apprise/wiki has the form of each"
)
KINDS = {
    "failed": "failure",
    "lost": "failure",
    "trouble": "warning",
    "gap": "warning",
    "succeeded": "success",
    "recovered": "success",
}
"""Name of an event -> how services that know colours show it."""


class ChatSender:
    """Sends to one chat.

    apprise is imported when a chat is first sent to: it loads more than a hundred services. What it logs stays
    unlogged, since on some levels that holds tokens.
    """

    def __init__(self, chat: Chat) -> None:
        self._url = chat.url.reveal().decode("utf-8", "replace")
        self._apprise: Apprise | None = None

    def send(self, message: Message) -> Answer:
        service = self._service()
        if service is None:
            return NotTaken(UNKNOWN)
        result = service.notify(
            body=message.text,
            title=TITLE,
            notify_type=KINDS.get(message.name, "info"),
            body_format="text",
        )
        return Taken() if result else _answer(" ".join(str(each.message) for each in result.logs()))

    def close(self) -> None:
        """Its services keep nothing open."""

    def _service(self) -> Apprise | None:
        if self._apprise is None:
            from apprise import Apprise, AppriseAsset

            logging.getLogger("apprise").propagate = False
            keep_addresses_unlogged("urllib3")
            asset = AppriseAsset(app_id=TITLE, app_desc=TITLE, app_url="")
            made = Apprise(asset=asset)
            if made.add(self._url):
                self._apprise = made
        return self._apprise


def _answer(logged: str) -> NotTaken:
    """Of what was logged only the status is shown: the rest can hold a token."""
    if status := STATUS.search(logged):
        answer = of_status(int(status[1]))
        if isinstance(answer, NotTaken):
            return answer
    return NotTaken("the service could not be reached, or did not take it")
