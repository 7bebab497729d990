"""`POST /webhooks/{hook}`: a Git host's delivery in, what became of it out, once it is recorded."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.config import Hook, Secret
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.http.client_address import Address, Proxies
from dispatcher.http.connection.bodies import Bodies
from dispatcher.http.live_config import Configured, Live
from dispatcher.http.responses import Refusal, answer
from dispatcher.http.webhooks.intake import Answer, Plan, understand
from dispatcher.http.webhooks.rate_limit import Limiter
from dispatcher.http.webhooks.recording import recorded
from dispatcher.http.webhooks.rejection_counter import Unproved
from dispatcher.ledger import Submitter
from dispatcher.webhooks.parsed import Rejected, too_large

LARGE = 64 * 1024
"""Bytes from which on a body is read in a thread, so that it holds nobody else up."""
AT_ONCE = 8
"""Such bodies; their threads are their own, since those of the API may all wait for Redis."""

log = structlog.get_logger()


class Hooks:
    """Takes deliveries."""

    def __init__(
        self,
        live: Live,
        submitter: Submitter,
        bodies: Bodies,
        proxies: Proxies,
        limiter: Limiter,
        unproved: Unproved,
        clock: Callable[[], float] = time.time,
        *,
        anywhere: bool = False,
    ) -> None:
        """`anywhere` is whether hooks without secrets take what was not meant for this very machine."""
        self._live, self._submitter, self._bodies = live, submitter, bodies
        self._proxies, self._limiter, self._unproved = proxies, limiter, unproved
        self._clock, self._anywhere = clock, anywhere
        self._decoy, self._threads = _decoy(), CapacityLimiter(AT_ONCE)

    async def deliver(self, request: Request) -> Response:
        configured = self._live.now
        name = request.path_params["hook"]
        # A hook that isn't there answers like one whose secret the sender doesn't know.
        hook = configured.hooks.get(name, self._decoy)
        sender = self._sender(request)
        try:
            plan = await self._read(request, configured, hook, sender)
        except Refusal as refusal:
            self._unproved.note(name, refusal.cause)
            raise await self._limiter.answer(refusal, name, sender) from None
        if plan.rejected:
            await recorded(self._submitter, plan)
            raise await self._limiter.answer(Refusal.of(plan.rejected), name, sender)
        return await self._carry_out(hook, plan)

    def _sender(self, request: Request) -> Address | None:
        peer = request.client.host if request.client else ""
        return self._proxies.sender(peer, request.headers.raw)

    async def _read(
        self, request: Request, configured: Configured, hook: Hook, sender: Address | None
    ) -> Plan:
        limit = configured.alike.body
        async with self._bodies.of(request, limit, Refusal.of(too_large(limit))) as body:
            sent = request.headers.raw, body, self._clock(), sender
            arguments = configured, hook, *sent, self._anywhere
            if len(body) > LARGE:
                plan = await to_thread.run_sync(understand, *arguments, limiter=self._threads)
            else:
                plan = understand(*arguments)
        if isinstance(plan, Rejected):
            raise Refusal.of(plan)
        return plan

    async def _carry_out(self, hook: Hook, plan: Plan) -> Response:
        try:
            results = await recorded(self._submitter, plan)
        except LedgerUnavailable as error:
            log.error(
                "delivery not recorded", hook=hook.name, delivery=plan.delivery, why=str(error)
            )
            raise
        body = plan.answer(results)
        _log(hook, plan, body)
        return answer(body, body.status)


def _decoy() -> Hook:
    secret = Secret(secrets.token_hex(32).encode(), "nobody")
    return Hook(name="unknown", provider="github", secrets=(secret,), repositories=("**",))


def _log(hook: Hook, plan: Plan, body: Answer) -> None:
    say = log.warning if plan.refused else log.info
    say(
        "delivery",
        hook=hook.name,
        delivery=plan.delivery,
        kind=plan.event,
        repository=plan.repository,
        secret=plan.secret,
        results=[f"{r.target}: {r.outcome} {r.deploy}".rstrip() for r in body.results],
        reason=plan.reason,
    )
