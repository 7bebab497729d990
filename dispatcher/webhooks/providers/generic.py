"""The generic webhook, which `git-dispatcher notify` sends from any Git server that can run a hook.

docs/hooks.md documents it for other senders.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from dispatcher.domain.push import Push
from dispatcher.webhooks import authentication, fields, results, standard_webhooks
from dispatcher.webhooks import body as bodies
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import AuthFailure, Ignored, Received

SIGNATURE = "X-Signature-256"
DELIVERY = "X-Delivery-Id"
EVENT = "push"
MAX_REFS = fields.MAX_REFS


class Ref(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One updated ref."""

    ref: str
    after: str
    before: str | None = None
    commit: str | None = None
    pushed_at: int | None = None
    """Milliseconds since the epoch."""
    title: str | None = None
    message: str | None = None
    paths: tuple[str, ...] | None = None


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a delivery."""

    repository: str
    refs: Annotated[tuple[Ref, ...], msgspec.Meta(max_length=MAX_REFS)]
    pusher: str | None = None


_DECODER = msgspec.json.Decoder(Payload)


def verify(headers: Headers, body: bytes, trust: Trust) -> int | AuthFailure:
    """Verifies git-dispatcher's own signature, or one by Standard Webhooks."""
    if standard_webhooks.signed(headers, trust):
        return standard_webhooks.verify(headers, body, trust)
    return authentication.hmac_sha256(headers, SIGNATURE, body, trust.secrets)


def parse(headers: Headers, body: bytes) -> Received | Ignored:
    delivery = headers.text(DELIVERY) or headers.text(standard_webhooks.ID)
    bodies.content_type(headers, bodies.JSON, remedy=f"send the header Content-Type: {bodies.JSON}")
    bodies.no_duplicates(body)
    payload = bodies.decode(_DECODER, body)
    repository = fields.repository(("repository", payload.repository)).repository
    pusher = fields.one_line(payload.pusher)
    if not payload.refs:
        return results.ping(EVENT, delivery, "no refs")
    pushes = [_push(repository, pusher, f"refs[{n}]", each) for n, each in enumerate(payload.refs)]
    return results.received(EVENT, delivery, pushes)


def _push(repository: str, pusher: str, at: str, update: Ref) -> Push:
    after = fields.object_name(f"{at}.after", update.after)
    before = fields.optional_object_name(f"{at}.before", update.before)
    commit = fields.optional_object_name(f"{at}.commit", update.commit)
    return Push(
        repository=repository,
        ref=fields.ref(f"{at}.ref", update.ref),
        before=fields.before_of(before, after),
        after=after,
        commit=fields.commit_behind(after, commit),
        pushed_at=fields.milliseconds(f"{at}.pushed_at", update.pushed_at),
        title=fields.title(update.title or update.message),
        message=fields.message(update.message),
        pusher=pusher,
        paths=None if update.paths is None else fields.paths(update.paths),
    )
