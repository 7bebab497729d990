"""`/api/v1`: redeploys a deploy, a commit, a branch or a tag, as the request body names."""

from __future__ import annotations

import re
from typing import Annotated, TypedDict
from uuid import uuid4

import msgspec
import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.config import Target
from dispatcher.domain.access import Verb
from dispatcher.domain.refs import MAX_REF, ZEROS, is_ref, object_name, short_ref
from dispatcher.http.api.audited import AuditLog, Origin
from dispatcher.http.api.requests import Order, RequestParser, line, unknown_deploy
from dispatcher.http.api.schemas.deploys import RedeployAnswer
from dispatcher.http.responses import ErrorResponse, json_response
from dispatcher.ledger import NoRedeploy, Operations, Reader, Redeploy, Store, WakeUps
from dispatcher.matching.matcher import follows

KINDS = ("refs/heads/", "refs/tags/")

# What an Idempotency-Key may be; the OpenAPI document shows the same expression.
LONGEST_KEY = 256
IDEMPOTENCY_KEY = re.compile("[!-~]([ -~]*[!-~])?")

log = structlog.get_logger()


class RedeployOrder(Order, frozen=True, kw_only=True):
    """The body. Null means not named; "" does not, so that a script's unset variable deploys nothing."""

    commit: str | None = None
    ref: str | None = None
    deploy: Annotated[int, msgspec.Meta(ge=1, lt=10**15)] | None = None


class Redeploys:
    """The endpoint. Redis calls run in threads."""

    def __init__(
        self, parser: RequestParser, store: Store, wake_ups: WakeUps, audit: AuditLog
    ) -> None:
        self._parser, self._wake_ups, self._audit = parser, wake_ups, audit
        self._operations = Operations(store)
        self._reader = Reader(store)

    async def redeploy(self, request: Request) -> Response:
        target, key = await self._parser.target(request), _request_id(request)
        order = await self._parser.order(request, RedeployOrder)
        asked = Redeploy(
            target=target.name,
            request=key,
            by=order.by,
            note=order.reason,
            **_named(order, target),
        )
        origin = Origin.of(request)
        return json_response(await to_thread.run_sync(self.ordered, origin, order, asked), 202)

    def ordered(self, origin: Origin, order: RedeployOrder, asked: Redeploy) -> RedeployAnswer:
        """Redeploys, audited. Raises ErrorResponse."""
        with self._audit.order(origin, Verb.REDEPLOY, asked.target, order) as audited:
            answer = self._redeploy(asked)
            audited.outcome = f"{answer.outcome} {answer.deploy}"
        return answer

    def _redeploy(self, asked: Redeploy) -> RedeployAnswer:
        made = self._operations.redeploy(asked)
        if made.outcome is None:
            if made.why_not is NoRedeploy.UNKNOWN_DEPLOY:
                kept = self._reader.numbers(asked.target)
                raise unknown_deploy(asked.target, asked.number, kept)
            raise _error(asked, made.why_not)
        self._wake_ups.enqueue([made.wake_up] if made.wake_up else [])
        deploy = f"{asked.target}/{made.number}"
        log.info("redeploy", deploy=deploy, commit=made.commit, by=asked.by, outcome=made.outcome)
        return RedeployAnswer(
            target=asked.target,
            deploy=deploy,
            ref=made.ref,
            commit=made.commit,
            outcome=made.outcome,
            reason=made.reason,
        )


class _Named(TypedDict):
    commit: str
    ref: str
    number: int


def _named(order: RedeployOrder, target: Target) -> _Named:
    """The full commit and ref that the order names. Raises ErrorResponse."""
    for field in ("commit", "ref"):
        if order.deploy is not None and getattr(order, field) is not None:
            message = (
                f"deploy and {field} contradict each other: a deploy has its own commit and ref. "
                f"Name either the deploy or the {field}"
            )
            raise ErrorResponse(400, "contradiction", message)
    return {
        "commit": "" if order.commit is None else _commit(order.commit),
        "ref": "" if order.ref is None else _ref(order.ref, target),
        "number": order.deploy or 0,
    }


def _commit(value: str) -> str:
    name = object_name(value)
    if name and name not in ZEROS:
        return name
    raise ErrorResponse(
        400,
        "invalid_commit",
        f"commit is {_shown(value)}, which is not a full commit id: give all 40 or 64 "
        "hexadecimal digits, as `git rev-parse` prints them",
    )


def _ref(value: str, target: Target) -> str:
    """The one ref that the target follows and the value can mean."""
    names = [value] if value.startswith("refs/") else [kind + value for kind in KINDS]
    if not (is_ref(names[0]) and names[0].startswith(KINDS)):
        message = (
            f"ref is {_shown(value)}, which is not a branch or tag: write it like refs/heads/main or "
            f"refs/tags/v1.2, or main or v1.2 for short, in at most {MAX_REF} characters"
        )
        raise ErrorResponse(400, "invalid_ref", message)
    followed = {name: follows(target, name) for name in names}
    found = [name for name, (follows_it, _) in followed.items() if follows_it]
    if not found:
        why = "; ".join(reason for _, reason in followed.values())
        message = f"ref is {_shown(value)}, which {target.name} does not follow: {why}"
        raise ErrorResponse(422, "ref_not_taken", message)
    if len(found) > 1:
        message = f"ref is {_shown(value)}, which can mean {' or '.join(found)}: write the full ref"
        raise ErrorResponse(400, "ambiguous_ref", message)
    return found[0]


def _shown(value: str) -> str:
    return repr(line(value)[:100])


def _error(asked: Redeploy, why_not: NoRedeploy | None) -> ErrorResponse:
    target = asked.target
    if why_not is NoRedeploy.UNKNOWN_REF:
        message = (
            f"Target {target} has seen no push of {short_ref(asked.ref)}, so its newest commit is "
            "unknown: name the commit as well"
        )
        return ErrorResponse(409, "unknown_commit", message)
    message = (
        f"Target {target} was never deployed, so there is nothing to redeploy: push to it, or name "
        "a commit and its ref"
    )
    return ErrorResponse(409, "never_deployed", message)


def _request_id(request: Request) -> str:
    """https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"""
    sent = request.headers.getlist("idempotency-key")
    if not sent:
        return str(uuid4())
    if len(sent) > 1 or len(sent[0]) > LONGEST_KEY or not IDEMPOTENCY_KEY.fullmatch(sent[0]):
        remedy = (
            f"Idempotency-Key must be sent once, with 1 to {LONGEST_KEY} printable ASCII characters"
        )
        raise ErrorResponse(400, "invalid_idempotency_key", remedy)
    return sent[0]
