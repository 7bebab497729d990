"""GitHub's webhooks, of github.com and of GitHub Enterprise.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import msgspec

from dispatcher.domain.push import Push
from dispatcher.domain.refs import ZEROS
from dispatcher.webhooks import authentication, commits, fields, results, sending_host
from dispatcher.webhooks import body as bodies
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.commits import Commit
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import AuthFailure, Ignored, Received

SIGNATURE = "X-Hub-Signature-256"
LEGACY_SIGNATURE = "X-Hub-Signature"
EVENT = "X-GitHub-Event"
DELIVERY = "X-GitHub-Delivery"

MAX_COMMITS = 2048
"""GitHub truncates a push's `commits` to this many, without saying so."""
MAX_FILES = 3000
"""GitHub truncates a commit's lists of files to this many, without saying so."""


class _Repository(msgspec.Struct, frozen=True):
    """Omits `mirror_url` and `homepage`, which a repository's owner can edit."""

    clone_url: str | None = None
    html_url: str | None = None
    ssh_url: str | None = None
    git_url: str | None = None
    pushed_at: int | float | str | None = None


class _Pusher(msgspec.Struct, frozen=True):
    name: str | None = None


class _Payload(msgspec.Struct, frozen=True):
    ref: str
    before: str
    after: str
    repository: _Repository
    created: bool = False
    deleted: bool = False
    forced: bool = False
    commits: tuple[Commit, ...] | None = None
    head_commit: Commit | None = None
    pusher: _Pusher | None = None


_DECODER = msgspec.json.Decoder(_Payload)


def verify(headers: Headers, body: bytes, trust: Trust) -> int | AuthFailure:
    if SIGNATURE not in headers and LEGACY_SIGNATURE in headers:
        return AuthFailure.LEGACY
    return authentication.hmac_sha256(headers, SIGNATURE, body, trust.secrets)


def parse(headers: Headers, body: bytes) -> Received | Ignored:
    sending_host.check(headers, "GitHub")
    event = headers.required(EVENT, "GitHub sends it with every delivery")
    delivery = headers.text(DELIVERY)
    if event == "ping":
        return results.ping(event, delivery, "ping")
    if event != "push":
        return results.ignored(event, delivery, _unrelated(event))
    payload = bodies.decode(_DECODER, _json(headers, body))
    return results.received(event, delivery, [_push(payload)])


def _unrelated(event: str) -> str:
    if event == "repository":
        return results.RENAMED
    return "only push events deploy: leave the others out of the webhook's events"


def _json(headers: Headers, body: bytes) -> bytes:
    remedy = "choose one of them as the webhook's content type"
    if bodies.content_type(headers, bodies.JSON, bodies.FORM, remedy=remedy) == bodies.FORM:
        return bodies.form_field(body, "payload")
    return body


def _push(payload: _Payload) -> Push:
    after = fields.object_name("after", payload.after)
    before = fields.object_name("before", payload.before)
    head = payload.head_commit or Commit()
    source = payload.repository
    where = _addresses(source)
    return Push(
        repository=where.repository,
        aliases=where.aliases,
        ref=fields.ref("ref", payload.ref),
        before=fields.before_of(before, after),
        after=after,
        commit=fields.commit_behind(after, fields.optional_object_name("head_commit.id", head.id)),
        pushed_at=_pushed_at(source.pushed_at),
        title=fields.title(head.message),
        message=fields.message(head.message),
        pusher=fields.one_line(payload.pusher.name if payload.pusher else ""),
        paths=_paths(payload, before),
    )


def _addresses(source: _Repository) -> fields.Addresses:
    return fields.repository(
        ("repository.clone_url", source.clone_url),
        ("repository.html_url", source.html_url),
        ("repository.ssh_url", source.ssh_url),
        ("repository.git_url", source.git_url),
    )


def _pushed_at(value: float | str | None) -> int:
    """The push's time: seconds in push events, ISO 8601 elsewhere in GitHub's API."""
    field = "repository.pushed_at"
    if isinstance(value, str):
        return fields.moment(field, value)
    return fields.milliseconds(field, (value or 0) * 1000)


def _paths(payload: _Payload, before: str) -> tuple[str, ...] | None:
    """The changed paths; None for a forced push, which omits what it removed, and for a new branch."""
    listed = payload.commits or ()
    partial = payload.forced or payload.created or payload.deleted or before in ZEROS
    full = len(listed) >= MAX_COMMITS or any(sum(1 for _ in c.files()) >= MAX_FILES for c in listed)
    return commits.paths(listed, complete=not (partial or full))
