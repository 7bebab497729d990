"""`/api/v1/notifications`: receivers and how far they are, tests, and dead letters."""

from __future__ import annotations

from uuid import uuid4

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.config import Chat, Webhook
from dispatcher.domain.access import Verb
from dispatcher.domain.notification import TEST, DeadLetter, Message, ReceiverState
from dispatcher.domain.suggestions import did_you_mean
from dispatcher.http.api import filters
from dispatcher.http.api.access import CURSOR
from dispatcher.http.api.audited import AuditLog, Origin
from dispatcher.http.api.requests import Order, RequestParser, line, page_limit
from dispatcher.http.api.schemas.notifications import (
    DeadLetterPage,
    ReceiverInfo,
    ReceiverList,
    RequestedMessage,
    dead_letter_info,
)
from dispatcher.http.api.serializers.notifications import receiver_info
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.responses import ErrorResponse, json_response
from dispatcher.ledger import Notifications, Store
from dispatcher.notifications import cloudevents, words

MOST, USUAL = 200, 50
"""Dead letters in one response."""

log = structlog.get_logger()


class Receivers:
    """The endpoints. Redis calls run in threads."""

    def __init__(
        self, live: LiveConfig, parser: RequestParser, store: Store, audit: AuditLog, instance: str
    ) -> None:
        self._live, self._parser, self._audit = live, parser, audit
        self._ledger, self._now = Notifications(store), store.now
        self._instance = instance

    async def list(self, _: Request) -> Response:
        return json_response(await to_thread.run_sync(self._list))

    async def test(self, request: Request) -> Response:
        name = line(request.path_params["name"])[:60]
        order = await self._parser.order(request, Order)
        made = await to_thread.run_sync(self._test, Origin.of(request), name, order)
        return json_response(made, 202)

    async def dead_letters(self, request: Request) -> Response:
        limit, cursor = page_limit(request, USUAL, MOST), filters.position(request, CURSOR)
        return json_response(await to_thread.run_sync(self._dead_letters, cursor, limit))

    async def resend(self, request: Request) -> Response:
        id = request.path_params["id"]
        order = await self._parser.order(request, Order)
        made = await to_thread.run_sync(self._resend, Origin.of(request), id, order)
        return json_response(made, 202)

    def _list(self) -> ReceiverList:
        states = self._ledger.states()
        receivers = self._live.now.receivers.items()
        return ReceiverList(
            tuple(self._info(name, each, states.get(name)) for name, each in receivers)
        )

    def _info(
        self, name: str, receiver: Webhook | Chat, state: ReceiverState | None
    ) -> ReceiverInfo:
        if state is None:  # no watcher has led with this configuration yet
            return receiver_info(name, receiver, ReceiverState(cursor=""), 0)
        return receiver_info(name, receiver, state, self._ledger.waits_since(state.cursor))

    def _test(self, origin: Origin, name: str, order: Order) -> RequestedMessage:
        with self._audit.order(origin, Verb.TEST_RECEIVER, name, order) as audited:
            receiver = self._live.now.receivers.get(name)
            if receiver is None:
                raise self._unknown_receiver(name)
            message = self._test_message(receiver, order.by or origin.caller)
            request = uuid4().hex
            self._ledger.request(name, message, request)
            audited.outcome = f"requested {message.id}"
        return RequestedMessage(receiver=name, message=message.id, request=request)

    def _test_message(self, receiver: Webhook | Chat, by: str) -> Message:
        id, at = f"test-{uuid4().hex}", self._now()
        if isinstance(receiver, Webhook):
            return cloudevents.test(id, by, at, self._instance)
        return Message(id=id, name=TEST, at=at, text=words.test(by))

    def _dead_letters(self, cursor: str, limit: int) -> DeadLetterPage:
        found = self._ledger.dead_letters(cursor, limit)
        return DeadLetterPage(
            dead_letters=tuple(dead_letter_info(id, letter) for id, letter in found),
            next=found[-1][0] if len(found) == limit else "",
        )

    def _resend(self, origin: Origin, id: str, order: Order) -> RequestedMessage:
        with self._audit.order(origin, Verb.RESEND, line(id)[:60], order) as audited:
            letter = self._letter(id)
            request = uuid4().hex
            self._ledger.resend(id, letter, request)
            audited.outcome = f"requested {letter.message.subject} for {letter.receiver}"
        log.info("dead letter sent again", receiver=letter.receiver, message=letter.message.id)
        return RequestedMessage(
            receiver=letter.receiver, message=letter.message.id, request=request
        )

    def _letter(self, id: str) -> DeadLetter:
        letter = self._ledger.dead_letter(id) if CURSOR.fullmatch(id) else None
        if letter is None:
            message = f"There is no dead letter {line(id)[:60]!r}, or it was sent again already"
            raise ErrorResponse(404, "unknown_dead_letter", message)
        if letter.receiver not in self._live.now.receivers:
            message = f"Receiver {letter.receiver} is no longer in the configuration"
            raise ErrorResponse(409, "removed_receiver", message)
        return letter

    def _unknown_receiver(self, name: str) -> ErrorResponse:
        known = did_you_mean(name, self._live.now.receivers)
        return ErrorResponse(404, "unknown_receiver", f"There is no receiver {name!r}: {known}")
