"""Bitbucket Cloud's webhooks.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push
https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/#Secure-webhooks
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from dispatcher.domain.push import Push
from dispatcher.webhooks import authentication, fields, results, sending_host
from dispatcher.webhooks import body as bodies
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import AuthFailure, Ignored, Received

SIGNATURE = "X-Hub-Signature"
EVENT = "X-Event-Key"
HOOK = "X-Hook-UUID"
"""A header of Bitbucket Cloud that Data Center does not send."""
DELIVERY = "X-Request-UUID"
"""The delivery's ID, the same when Bitbucket redelivers (X-Attempt-Number counts the attempts)."""

_KINDS = {"branch": "refs/heads/", "tag": "refs/tags/"}


class _Commit(msgspec.Struct, frozen=True):
    """The commit, for an annotated tag too: Bitbucket does not send the tag object's name."""

    hash: str
    message: str | None = None


class _Ref(msgspec.Struct, frozen=True):
    type: str
    name: str
    target: _Commit


class _Change(msgspec.Struct, frozen=True):
    """`old` is null for a new ref, `new` for one that was deleted."""

    old: _Ref | None = None
    new: _Ref | None = None


class _Changes(msgspec.Struct, frozen=True):
    changes: Annotated[tuple[_Change, ...], msgspec.Meta(max_length=fields.MAX_REFS)]


class _Link(msgspec.Struct, frozen=True):
    href: str | None = None


class _Links(msgspec.Struct, frozen=True):
    html: _Link = _Link()


class _Repository(msgspec.Struct, frozen=True):
    links: _Links = _Links()
    full_name: str | None = None


class _Actor(msgspec.Struct, frozen=True):
    nickname: str | None = None
    display_name: str | None = None


class _Payload(msgspec.Struct, frozen=True):
    push: _Changes
    repository: _Repository
    actor: _Actor | None = None


_DECODER = msgspec.json.Decoder(_Payload)


def verify(headers: Headers, body: bytes, trust: Trust) -> int | AuthFailure:
    return authentication.hmac_sha256(headers, SIGNATURE, body, trust.secrets)


def parse(headers: Headers, body: bytes) -> Received | Ignored:
    event = headers.required(EVENT, "Bitbucket sends it with every delivery")
    if HOOK not in headers:
        without = f"{EVENT} without {HOOK}"
        raise sending_host.wrong_provider(without, "Bitbucket Data Center", "bitbucket-server")
    delivery = headers.text(DELIVERY)
    if event != "repo:push":
        return results.ignored(event, delivery, _unrelated(event))
    bodies.content_type(
        headers, bodies.JSON, remedy="Bitbucket sends that unless a proxy changes it"
    )
    return results.received(event, delivery, _pushes(bodies.decode(_DECODER, body)))


def _unrelated(event: str) -> str:
    if event in ("repo:updated", "repo:transfer"):
        return results.RENAMED
    return "only repository pushes deploy: leave the other triggers of the webhook out"


def _pushes(payload: _Payload) -> Iterator[Push]:
    where, pusher = _addresses(payload.repository), _pusher(payload.actor)
    for number, change in enumerate(payload.push.changes):
        at = f"push.changes[{number}]"
        ref = change.new or change.old
        if ref is None:
            raise fields.invalid(at, "has neither old nor new")
        if ref.type in _KINDS:
            yield _push(where, pusher, at, ref, change)


def _push(where: fields.Addresses, pusher: str, at: str, ref: _Ref, change: _Change) -> Push:
    old = fields.object_name(f"{at}.old.target.hash", change.old.target.hash) if change.old else ""
    new = fields.object_name(f"{at}.new.target.hash", change.new.target.hash) if change.new else ""
    before, after = old or "0" * len(new), new or "0" * len(old)
    message = change.new.target.message if change.new else ""
    return Push(
        repository=where.repository,
        aliases=where.aliases,
        ref=fields.ref(f"{at}.{'new' if new else 'old'}.name", _KINDS[ref.type] + ref.name),
        before=fields.before_of(before, after),
        after=after,
        title=fields.title(message),
        message=fields.message(message),
        pusher=pusher,
    )


def _addresses(source: _Repository) -> fields.Addresses:
    """The repository's address; the SSH address has the same host and path."""
    named = f"https://bitbucket.org/{source.full_name}" if source.full_name else ""
    return fields.repository(
        ("repository.links.html.href", source.links.html.href),
        ("repository.full_name", named),
    )


def _pusher(actor: _Actor | None) -> str:
    return fields.one_line((actor.nickname or actor.display_name) if actor else "")
