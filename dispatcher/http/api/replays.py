"""`/api/v1`: replays a stored delivery as if it had just arrived. Must never undo a later push."""

from __future__ import annotations

from uuid import uuid4

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.access import Verb
from dispatcher.domain.delivery import ID_LENGTH, Delivery, Replay
from dispatcher.http.api.audited import AuditLog, Origin
from dispatcher.http.api.deliveries import found
from dispatcher.http.api.requests import Order, RequestParser, line
from dispatcher.http.api.schemas.deliveries import ReplayAnswer
from dispatcher.http.live_config import ActiveConfig, LiveConfig
from dispatcher.http.responses import ErrorResponse, json_response
from dispatcher.http.webhooks.intake import Answer, Intake, evaluated
from dispatcher.http.webhooks.ledger_results import ledger_results
from dispatcher.ledger import DeliveryLog, LoggedDelivery, Submitter
from dispatcher.webhooks.receiving import parse_delivery

log = structlog.get_logger()


class Replays:
    """The endpoint. Authenticates nothing: a stored delivery was authenticated when it arrived."""

    def __init__(
        self,
        live: LiveConfig,
        parser: RequestParser,
        log: DeliveryLog,
        submitter: Submitter,
        audit: AuditLog,
    ) -> None:
        self._live, self._parser, self._audit = live, parser, audit
        self._log, self._submitter = log, submitter

    async def replay(self, request: Request) -> Response:
        order = await self._parser.order(request, Order)
        answer, status = await self.ordered(Origin.of(request), request.path_params["id"], order)
        return json_response(answer, status)

    async def ordered(self, origin: Origin, name: str, order: Order) -> tuple[ReplayAnswer, int]:
        """Replays the delivery, audited; the answer, and its HTTP status. Raises ErrorResponse."""
        audited = await to_thread.run_sync(
            self._audit.order, origin, Verb.REPLAY, line(name)[:100], order
        )
        async with audited:
            intake = await to_thread.run_sync(self._intake, name, order)
            body = intake.answer(await ledger_results(self._submitter, intake))
            audited.outcome = ", ".join(f"{r.target}: {r.outcome}" for r in body.results)
        _log(intake.delivery, body)
        return _view(intake.delivery, body), body.status

    def _intake(self, name: str, order: Order) -> Intake:
        logged, now = found(self._log, name), self._live.now
        _check_hook(now, logged.delivery)
        delivery = self._replayed(logged, order)
        return evaluated(now, delivery, parse_delivery(delivery))

    def _replayed(self, logged: LoggedDelivery, order: Order) -> Delivery:
        old = logged.delivery
        body = self._log.body(old.id)
        if body is None:
            remedy = "let the Git host send it again"
            message = f"The body of delivery {old.id} was too large to be stored: {remedy}"
            raise ErrorResponse(409, "not_replayable", message)
        first_at = old.replay.first_at if old.replay else logged.at
        replay = Replay(of=old.id, first_at=first_at, by=order.by, note=order.reason)
        return old.replayed(uuid4().hex[:ID_LENGTH], body, replay)


def _check_hook(now: ActiveConfig, delivery: Delivery) -> None:
    if delivery.hook not in now.hooks:
        message = (
            f"Hook {delivery.hook}, which received it, is no longer configured, so which repositories "
            "it may speak for is unknown"
        )
        raise ErrorResponse(409, "removed_hook", message)


def _view(delivery: Delivery, body: Answer) -> ReplayAnswer:
    return ReplayAnswer(
        id=delivery.id,
        replay_of=delivery.replay.of if delivery.replay else "",
        delivery=body.delivery,
        results=body.results,
        reason=body.reason,
    )


def _log(delivery: Delivery, body: Answer) -> None:
    replay = delivery.replay
    log.info(
        "replay",
        hook=delivery.hook,
        delivery=delivery.delivery_id,
        replay_of=replay.of if replay else "",
        by=replay.by if replay else "",
        results=[f"{r.target}: {r.outcome} {r.deploy}".rstrip() for r in body.results],
        reason=delivery.reason,
    )
