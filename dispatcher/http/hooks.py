"""`POST /webhooks/{hook}`: a Git host's delivery in, what became of it out, once it is recorded."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.config import Hook, Secret
from dispatcher.errors import LedgerUnavailable
from dispatcher.http.answers import Refusal, answer
from dispatcher.http.bodies import Bodies
from dispatcher.http.intake import Answer, Plan, understand
from dispatcher.http.live import Configured, Live
from dispatcher.ledger import Submission, Submitter
from dispatcher.model import Result
from dispatcher.webhooks import Rejected, too_large

ANSWER_WITHIN = 4.5
"""Seconds for the ledger: the least patient Git host gives up after 5, and must hear a 503 before."""
LARGE = 64 * 1024
"""Bytes from which on a body is read in a thread, so that it holds nobody else up."""

log = structlog.get_logger()


class Hooks:
    """Takes deliveries."""

    def __init__(self, live: Live, submitter: Submitter, bodies: Bodies) -> None:
        self._live, self._submitter, self._bodies = live, submitter, bodies
        self._decoy = _decoy()

    async def deliver(self, request: Request) -> Response:
        configured = self._live.now
        name = request.path_params["hook"]
        # A hook that isn't there answers like one whose secret the sender doesn't know.
        hook = configured.hooks.get(name, self._decoy)
        try:
            plan = await self._read(request, configured, hook)
        except Refusal as refusal:
            log.warning("delivery refused", hook=_shown(name), cause=refusal.cause)
            raise
        return await self._carry_out(hook, plan)

    async def _read(self, request: Request, configured: Configured, hook: Hook) -> Plan:
        limit = hook.max_body
        async with self._bodies.of(request, limit, Refusal.of(too_large(limit))) as body:
            arguments = configured, hook, request.headers.raw, body
            if len(body) > LARGE:
                plan = await to_thread.run_sync(understand, *arguments)
            else:
                plan = understand(*arguments)
        if isinstance(plan, Rejected):
            raise Refusal.of(plan)
        return plan

    async def _carry_out(self, hook: Hook, plan: Plan) -> Response:
        try:
            recorded = await self._record(plan.submissions)
        except LedgerUnavailable as error:
            log.error(
                "delivery not recorded", hook=hook.name, delivery=plan.delivery, why=str(error)
            )
            raise
        body = plan.answer(recorded)
        _log(hook, plan, body)
        return answer(body, body.status)

    async def _record(self, submissions: list[Submission]) -> Iterable[Result]:
        if not submissions:
            return ()
        recorded = asyncio.wrap_future(self._submitter.submit(submissions))
        try:
            return await asyncio.wait_for(recorded, ANSWER_WITHIN)
        except TimeoutError:
            raise LedgerUnavailable(f"nothing was heard within {ANSWER_WITHIN} s") from None


def _decoy() -> Hook:
    secret = Secret(secrets.token_bytes(32), "nobody")
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


def _shown(name: str) -> str:
    """A stranger's word, fit for a line of the log."""
    return "".join(char if char.isprintable() else "?" for char in name[:40])
