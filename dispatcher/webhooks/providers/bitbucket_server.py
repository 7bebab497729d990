"""Webhooks of Bitbucket Data Center, and of Bitbucket Server before it.

https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html#Eventpayload-Push
https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html#Managewebhooks-Securingyourwebhook
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from dispatcher.domain.push import Push
from dispatcher.domain.repositories import with_scm
from dispatcher.webhooks import authentication, fields, results, sending_host
from dispatcher.webhooks import body as bodies
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import AuthFailure, Ignored, Received

SIGNATURE = "X-Hub-Signature"
EVENT = "X-Event-Key"
DELIVERY = "X-Request-Id"
CLOUDS_OWN = "X-Hook-UUID"

_LINKS = ("http", "ssh")
"""Kinds of clone links, preferred first: SSH may run under another host name and port."""


class _Link(msgspec.Struct, frozen=True):
    href: str | None = None
    name: str | None = None


class _Links(msgspec.Struct, frozen=True):
    clone: tuple[_Link, ...] = ()


class _Repository(msgspec.Struct, frozen=True):
    links: _Links = _Links()


class _Ref(msgspec.Struct, frozen=True):
    id: str


class _Change(msgspec.Struct, frozen=True, rename="camel"):
    """One updated ref. Zeros mean no object; for an annotated tag `to_hash` is the tag object."""

    ref: _Ref
    from_hash: str
    to_hash: str


class _Commit(msgspec.Struct, frozen=True):
    id: str = ""
    message: str | None = None


class _Actor(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    display_name: str | None = None


class _Payload(msgspec.Struct, frozen=True, rename="camel"):
    repository: _Repository
    changes: Annotated[tuple[_Change, ...], msgspec.Meta(max_length=fields.MAX_REFS)]
    date: str | None = None
    actor: _Actor | None = None
    commits: tuple[_Commit, ...] | None = None
    to_commit: _Commit | None = None


_DECODER = msgspec.json.Decoder(_Payload)


def verify(headers: Headers, body: bytes, trust: Trust) -> int | AuthFailure:
    """Verifies the signature, or HTTP Basic if the webhook has a user and password instead of a secret."""
    if SIGNATURE in headers:
        return authentication.hmac_sha256(headers, SIGNATURE, body, trust.secrets)
    return authentication.basic(headers, trust.secrets)


def parse(headers: Headers, body: bytes) -> Received | Ignored:
    if CLOUDS_OWN in headers:
        raise sending_host.wrong_provider(CLOUDS_OWN, "Bitbucket Cloud", "bitbucket")
    event = headers.required(EVENT, "Bitbucket sends it with every delivery")
    delivery = headers.text(DELIVERY)
    if event == "diagnostics:ping":
        return results.ping(event, delivery, "ping")
    if event != "repo:refs_changed":
        return results.ignored(event, delivery, _unrelated(event))
    bodies.content_type(
        headers, bodies.JSON, remedy="Bitbucket sends that unless a proxy changes it"
    )
    return results.received(event, delivery, _pushes(bodies.decode(_DECODER, body)))


def _unrelated(event: str) -> str:
    if event in ("repo:modified", "proj:modified"):
        return results.RENAMED
    return "only repository pushes deploy: leave the other events of the webhook out"


def _pushes(payload: _Payload) -> Iterator[Push]:
    where = _addresses(payload.repository.links.clone)
    pushed_at = fields.moment("date", payload.date)
    pusher = _pusher(payload.actor)
    messages = _messages(payload)
    for number, change in enumerate(payload.changes):
        at = f"changes[{number}]"
        after = fields.object_name(f"{at}.toHash", change.to_hash)
        before = fields.object_name(f"{at}.fromHash", change.from_hash)
        yield Push(
            repository=where.repository,
            aliases=where.aliases,
            ref=fields.ref(f"{at}.ref.id", change.ref.id),
            before=fields.before_of(before, after),
            after=after,
            pushed_at=pushed_at,
            title=fields.title(messages.get(after)),
            message=fields.message(messages.get(after)),
            pusher=pusher,
        )


def _addresses(links: tuple[_Link, ...]) -> fields.Addresses:
    """Addresses from both kinds of clone links; Bitbucket's settings decide which kinds it sends."""
    by_kind = {link.name: link.href for link in links}
    given = fields.repository(*((f"repository.links.clone ({k})", by_kind.get(k)) for k in _LINKS))
    all_given = (given.repository, *given.aliases)
    first, *others = dict.fromkeys(form for each in all_given for form in with_scm(each))
    return fields.Addresses(first, tuple(others))


def _pusher(actor: _Actor | None) -> str:
    return fields.one_line((actor.name or actor.display_name) if actor else "")


def _messages(payload: _Payload) -> dict[str, str | None]:
    """Commit -> message, of the newest commits only; older Bitbucket versions send none."""
    listed = (*(payload.commits or ()), *([payload.to_commit] if payload.to_commit else []))
    return {commit.id: commit.message for commit in listed}
