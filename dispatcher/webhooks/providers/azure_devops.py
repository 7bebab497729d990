"""Service hooks of Azure DevOps Services and Server, of the type Web Hooks.

https://learn.microsoft.com/azure/devops/service-hooks/events#git.push
https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from dispatcher.domain.push import Push
from dispatcher.webhooks import authentication, fields, results
from dispatcher.webhooks import body as bodies
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import AuthFailure, Ignored, Received

TEST_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
"""Marks the payload of the Test button, which has a made-up repository."""


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    event_type: str
    id: str = ""
    subscription_id: str | None = None


class _Update(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    old_object_id: str
    new_object_id: str


class _Repository(msgspec.Struct, frozen=True, rename="camel"):
    remote_url: str | None = None
    web_url: str | None = None
    ssh_url: str | None = None


class _Commit(msgspec.Struct, frozen=True, rename="camel"):
    commit_id: str = ""
    comment: str | None = None


class _Person(msgspec.Struct, frozen=True, rename="camel"):
    unique_name: str | None = None
    display_name: str | None = None


class _Resource(msgspec.Struct, frozen=True, rename="camel"):
    ref_updates: Annotated[tuple[_Update, ...], msgspec.Meta(max_length=fields.MAX_REFS)]
    repository: _Repository
    commits: tuple[_Commit, ...] | None = None
    pushed_by: _Person | None = None
    date: str | None = None


class _Payload(msgspec.Struct, frozen=True):
    resource: _Resource


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_PAYLOAD = msgspec.json.Decoder(_Payload)


def verify(headers: Headers, _body: bytes, trust: Trust) -> int | AuthFailure:
    return authentication.basic(headers, trust.secrets)


def parse(headers: Headers, body: bytes) -> Received | Ignored:
    bodies.content_type(headers, bodies.JSON, remedy="Azure sends that unless a proxy changes it")
    envelope = bodies.decode(_ENVELOPE, body)
    event = fields.identifier("eventType", envelope.event_type)
    delivery = _delivery(envelope)
    if event != "git.push":
        return results.ignored(event, delivery, _unrelated(event))
    if envelope.subscription_id == TEST_SUBSCRIPTION:
        return results.ping(event, delivery, "test delivery")
    return results.received(event, delivery, _pushes(bodies.decode(_PAYLOAD, body).resource))


def _delivery(envelope: _Envelope) -> str:
    """The delivery ID, made of event and subscription: all subscriptions to an event share its ID."""
    event = fields.identifier("id", envelope.id)
    subscription = fields.identifier("subscriptionId", envelope.subscription_id or "")
    return f"{event}/{subscription}" if event and subscription else event


def _unrelated(event: str) -> str:
    if event == "git.repo.renamed":
        return results.RENAMED
    return "only Code pushed deploys: a subscription of another event can go"


def _pushes(resource: _Resource) -> Iterator[Push]:
    where = _addresses(resource.repository)
    pushed_at = fields.moment("resource.date", resource.date)
    pusher = _pusher(resource.pushed_by)
    messages = {commit.commit_id: commit.comment for commit in resource.commits or ()}
    for number, update in enumerate(resource.ref_updates):
        at = f"resource.refUpdates[{number}]"
        after = fields.object_name(f"{at}.newObjectId", update.new_object_id)
        before = fields.object_name(f"{at}.oldObjectId", update.old_object_id)
        yield Push(
            repository=where.repository,
            aliases=where.aliases,
            ref=fields.ref(f"{at}.name", update.name),
            before=fields.before_of(before, after),
            after=after,
            pushed_at=pushed_at,
            title=fields.title(messages.get(after)),
            message=fields.message(messages.get(after)),
            pusher=pusher,
        )


def _addresses(source: _Repository) -> fields.Addresses:
    return fields.repository(
        ("resource.repository.remoteUrl", source.remote_url),
        ("resource.repository.webUrl", source.web_url),
        ("resource.repository.sshUrl", source.ssh_url),
    )


def _pusher(person: _Person | None) -> str:
    return fields.one_line((person.unique_name or person.display_name) if person else "")
