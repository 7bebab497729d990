"""`POST /webhooks/{hook}`: receives a delivery, and answers with its results once they are recorded."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from uuid import uuid4

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.config import Hook
from dispatcher.domain.delivery import Delivery
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.secret import Secret
from dispatcher.http.client_address import Address, Proxies
from dispatcher.http.connection.bodies import Bodies
from dispatcher.http.live_config import ActiveConfig, LiveConfig
from dispatcher.http.responses import ErrorResponse, json_response
from dispatcher.http.webhooks.intake import DONE_SOMETHING, Answer, Intake, take_in
from dispatcher.http.webhooks.ledger_results import ledger_results
from dispatcher.http.webhooks.observer import DeliveryObserver, DeliveryOutcome, Unobserved
from dispatcher.http.webhooks.rate_limit import RateLimiter
from dispatcher.http.webhooks.rejection_counter import RejectionCounter
from dispatcher.http.webhooks.unauthenticated import Incoming
from dispatcher.ledger import Submitter
from dispatcher.webhooks.results import Rejected, too_large

LARGE = 64 * 1024
"""Bytes from which on a body is verified and parsed in a thread, so that it does not block the loop."""
AT_ONCE = 8
"""Threads for such bodies, apart from the API's, which may all be waiting for Redis."""

log = structlog.get_logger()


class Hooks:
    """The endpoint."""

    def __init__(
        self,
        live: LiveConfig,
        submitter: Submitter,
        bodies: Bodies,
        proxies: Proxies,
        limiter: RateLimiter,
        rejections: RejectionCounter,
        clock: Callable[[], float] = time.time,
        *,
        observer: DeliveryObserver | None = None,
        accept_foreign_hosts: bool = False,
    ) -> None:
        """`accept_foreign_hosts`: hooks without secrets accept any Host and Origin, not just this machine's."""
        self._live, self._submitter, self._bodies = live, submitter, bodies
        self._proxies, self._limiter, self._rejections = proxies, limiter, rejections
        self._clock, self._accept_foreign_hosts = clock, accept_foreign_hosts
        self._observer: DeliveryObserver = observer or Unobserved()
        self._decoy, self._threads = _decoy(), CapacityLimiter(AT_ONCE)

    async def deliver(self, request: Request) -> Response:
        begun, configured = self._clock(), self._live.now
        name = request.path_params["hook"]
        # A missing hook answers like one whose secret the sender doesn't know.
        hook = configured.hooks.get(name, self._decoy)
        sender = self._sender(request)
        try:
            intake = await self._intake(request, configured, hook, sender)
        except ErrorResponse as error:
            self._rejections.note(name, error.cause)
            answer = await self._limiter.answer(error, name, sender)
            self._rejections.note_refused(name, answer.status)
            self._observer.rejected(name if name in configured.hooks else "", answer.cause)
            raise answer from None
        if intake.rejected:
            await ledger_results(self._submitter, intake)
            self._count(intake, DeliveryOutcome.REJECTED, begun)
            raise await self._limiter.answer(ErrorResponse.of(intake.rejected), name, sender)
        return await self._carry_out(intake, configured, begun)

    def _sender(self, request: Request) -> Address | None:
        peer = request.client.host if request.client else ""
        return self._proxies.sender(peer, request.headers.raw)

    async def _intake(
        self, request: Request, configured: ActiveConfig, hook: Hook, sender: Address | None
    ) -> Intake:
        limit = configured.uniform_cost.body
        async with self._bodies.of(request, limit, ErrorResponse.of(too_large(limit))) as body:
            incoming = Incoming(
                id=uuid4().hex,
                hook=hook,
                headers=tuple(request.headers.raw),
                body=body,
                received_at=self._clock(),
                sender=sender,
            )
            arguments = configured, incoming, self._accept_foreign_hosts
            if len(body) > LARGE:
                intake = await to_thread.run_sync(take_in, *arguments, limiter=self._threads)
            else:
                intake = take_in(*arguments)
        if isinstance(intake, Rejected):
            raise ErrorResponse.of(intake)
        return intake

    async def _carry_out(self, intake: Intake, configured: ActiveConfig, begun: float) -> Response:
        delivery = intake.delivery
        try:
            results = await ledger_results(self._submitter, intake)
        except LedgerUnavailable as error:
            id = delivery.delivery_id
            log.error("delivery not recorded", hook=delivery.hook, delivery=id, why=str(error))
            self._count(intake, DeliveryOutcome.UNAVAILABLE, begun)
            self._rejections.note_refused(delivery.hook, 503)
            self._observer.rejected(delivery.hook, "ledger_unavailable")
            raise
        body = intake.answer(results)
        self._count(intake, _outcome(intake, body), begun)
        self._count_pushes(intake, body, configured)
        say = log.warning if intake.out_of_scope else log.info
        _log(say, delivery, body)
        return json_response(body, body.status)

    def _count(self, intake: Intake, outcome: DeliveryOutcome, begun: float) -> None:
        delivery, seconds = intake.delivery, self._clock() - begun
        self._observer.delivered(delivery.hook, delivery.event, outcome, max(0.0, seconds))

    def _count_pushes(self, intake: Intake, body: Answer, configured: ActiveConfig) -> None:
        self._observer.pushed(intake.delivery.hook, body.results)
        now, pushed_at = (
            self._clock(),
            {each.push.ref: each.push.pushed_at for each in intake.submissions},
        )
        for result in body.results:
            at = pushed_at.get(result.ref)
            if at and result.outcome in DONE_SOMETHING:
                self._observer.recorded(
                    configured.targets[result.target].namespace, now - at / 1000
                )


def _outcome(intake: Intake, body: Answer) -> DeliveryOutcome:
    if body.status == 202:
        return DeliveryOutcome.DEPLOYED
    return DeliveryOutcome.UNCHANGED if intake.delivery.refs else DeliveryOutcome.IGNORED


def _decoy() -> Hook:
    secret = Secret(secrets.token_hex(32).encode(), "nobody")
    return Hook(name="unknown", provider="github", secrets=(secret,), repositories=("**",))


def _log(say: Callable[..., None], delivery: Delivery, body: Answer) -> None:
    say(
        "delivery",
        hook=delivery.hook,
        delivery=delivery.delivery_id,
        kind=delivery.event,
        repository=delivery.repository,
        secret=delivery.secret,
        results=[f"{r.target}: {r.outcome} {r.deploy}".rstrip() for r in body.results],
        reason=delivery.reason,
    )
