"""The webhooks of Gitea, Forgejo and Gogs, which share headers, signature and three events' payloads.

https://docs.gitea.com/usage/webhooks
https://github.com/go-gitea/gitea/blob/main/modules/structs/hook.go
Each has a module with its differences. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from dispatcher.domain.push import Push
from dispatcher.domain.refs import ZEROS
from dispatcher.webhooks import authentication, commits, fields, results, sending_host
from dispatcher.webhooks import body as bodies
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.commits import Commit
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import AuthFailure, Ignored, Received

_KINDS = {"branch": "refs/heads/", "tag": "refs/tags/"}


class _Repository(msgspec.Struct, frozen=True):
    clone_url: str | None = None
    html_url: str | None = None
    ssh_url: str | None = None
    object_format_name: str | None = None


class _User(msgspec.Struct, frozen=True):
    login: str | None = None
    username: str | None = None


class _Pushed(msgspec.Struct, frozen=True):
    ref: str
    before: str
    after: str
    repository: _Repository
    commits: tuple[Commit, ...] | None = None
    total_commits: int | None = None
    head_commit: Commit | None = None
    pusher: _User | None = None


class _Named(msgspec.Struct, frozen=True):
    """A created or deleted ref, by its short name."""

    ref: str
    ref_type: str
    repository: _Repository
    sha: str | None = None
    sender: _User | None = None


_PUSHED = msgspec.json.Decoder(_Pushed)
_NAMED = msgspec.json.Decoder(_Named)

_Reader = Callable[[bytes], Push | str]
"""A payload's push, or why there is none."""


@dataclass(frozen=True)
class Dialect:
    """One of the three."""

    host: str
    """The host's name in its header names."""
    tags_by_create: bool = False
    """Whether only `create` events report new tags; on the others `push` events do too."""

    @property
    def signature(self) -> str:
        return f"X-{self.host}-Signature"

    def verify(self, headers: Headers, body: bytes, trust: Trust) -> int | AuthFailure:
        """Verifies the signature. It covers the JSON, so a form, which encodes that JSON, never matches."""
        verified = authentication.hmac_sha256(
            headers, self.signature, body, trust.secrets, prefix=b""
        )
        return (
            AuthFailure.FORM if verified is AuthFailure.MISMATCH and _is_form(headers) else verified
        )

    def parse(self, headers: Headers, body: bytes) -> Received | Ignored:
        sending_host.check(headers, self.host)
        event = headers.required(
            f"X-{self.host}-Event", f"{self.host} sends it with every delivery"
        )
        delivery = headers.text(f"X-{self.host}-Delivery")
        read = self._readers().get(event)
        if read is None:
            return results.ignored(event, delivery, self._unrelated())
        remedy = f"choose it as the webhook's content type, since {self.host} doesn't sign forms"
        bodies.content_type(headers, bodies.JSON, remedy=remedy)
        found = read(body)
        if isinstance(found, str):
            return results.ignored(event, delivery, found)
        return results.received(event, delivery, [found])

    def _readers(self) -> dict[str, _Reader]:
        always: dict[str, _Reader] = {"push": _push, "delete": _deletion}
        return always | ({"create": _new_tag} if self.tags_by_create else {})

    def _unrelated(self) -> str:
        events = "push, create and delete" if self.tags_by_create else "push and delete"
        return f"only {events} events count: leave the others out of the webhook's events"


def _is_form(headers: Headers) -> bool:
    return any(
        v.strip().lower().startswith(b"application/x-www") for v in headers.all("Content-Type")
    )


def _addresses(source: _Repository) -> fields.Addresses:
    return fields.repository(
        ("repository.clone_url", source.clone_url),
        ("repository.html_url", source.html_url),
        ("repository.ssh_url", source.ssh_url),
    )


def _person(user: _User | None) -> str:
    return fields.one_line((user.login or user.username) if user else "")


def _push(body: bytes) -> Push | str:
    payload = bodies.decode(_PUSHED, body)
    after = fields.object_name("after", payload.after)
    before = fields.object_name("before", payload.before)
    if before == after:
        return "test delivery without changes: the hook works"
    listed = payload.commits or ()
    head = payload.head_commit or next((each for each in listed if each.id == after), Commit())
    where = _addresses(payload.repository)
    return Push(
        repository=where.repository,
        aliases=where.aliases,
        ref=fields.ref("ref", payload.ref),
        before=before,
        after=after,
        commit=fields.commit_behind(after, fields.optional_object_name("head_commit.id", head.id)),
        title=fields.title(head.message),
        message=fields.message(head.message),
        pusher=_person(payload.pusher),
        # Lists at most FEED_MAX_COMMIT_NUM commits (5); Gogs does not say how many there are.
        paths=commits.paths(
            listed, complete=payload.total_commits == len(listed) and before not in ZEROS
        ),
    )


def _deletion(body: bytes) -> Push | str:
    """A deleted ref. These hosts send no `push` for it, and not the commit that it pointed to."""
    payload = bodies.decode(_NAMED, body)
    digits = 64 if payload.repository.object_format_name == "sha256" else 40
    return _named(payload, "0" * digits)


def _new_tag(body: bytes) -> Push | str:
    payload = bodies.decode(_NAMED, body)
    if payload.ref_type != "tag":
        return "a new branch: the push event reports it too"
    return _named(payload, fields.object_name("sha", payload.sha or ""))


def _named(payload: _Named, after: str) -> Push:
    if payload.ref_type not in _KINDS:
        raise fields.invalid("ref_type", f"must be one of {', '.join(_KINDS)}")
    where = _addresses(payload.repository)
    return Push(
        repository=where.repository,
        aliases=where.aliases,
        ref=fields.ref("ref", _KINDS[payload.ref_type] + payload.ref),
        before="",
        after=after,
        pusher=_person(payload.sender),
    )
