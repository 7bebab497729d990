"""GitLab's webhooks, of gitlab.com and of self-managed instances.

https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events
https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers
Signing tokens: https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944
"""

from __future__ import annotations

import msgspec

from dispatcher.domain.push import Push
from dispatcher.domain.refs import ZEROS
from dispatcher.webhooks import authentication, commits, fields, results, standard_webhooks
from dispatcher.webhooks import body as bodies
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.commits import Commit
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import AuthFailure, Ignored, Received

TOKEN = "X-Gitlab-Token"  # noqa: S105 - a header's name
EVENT = "X-Gitlab-Event"
DELIVERY = "Idempotency-Key"
"""The delivery's ID, the same when GitLab redelivers. X-Gitlab-Event-UUID is shared by hooks that trigger
one another, and X-Gitlab-Webhook-UUID identifies the hook: neither identifies the delivery."""

PUSHES = frozenset({"Push Hook", "Tag Push Hook"})


class _Project(msgspec.Struct, frozen=True):
    git_http_url: str | None = None
    web_url: str | None = None
    git_ssh_url: str | None = None


class _Payload(msgspec.Struct, frozen=True):
    ref: str
    before: str
    after: str
    project: _Project
    checkout_sha: str | None = None
    message: str | None = None
    user_username: str | None = None
    user_name: str | None = None
    commits: tuple[Commit, ...] | None = None
    total_commits_count: int | None = None


_DECODER = msgspec.json.Decoder(_Payload)


def verify(headers: Headers, body: bytes, trust: Trust) -> int | AuthFailure:
    """Verifies the signature if there is one and the hook has a signing token, else the secret token.

    A webhook can have both, so that changing from one to the other loses no delivery.
    """
    if standard_webhooks.signed(headers, trust):
        return standard_webhooks.verify(headers, body, trust)
    return authentication.token(headers, TOKEN, trust.secrets)


def parse(headers: Headers, body: bytes) -> Received | Ignored:
    event = headers.required(EVENT, "GitLab sends it with every delivery")
    delivery = headers.text(DELIVERY) or headers.text(standard_webhooks.ID)
    if event not in PUSHES:
        return results.ignored(event, delivery, _unrelated(event))
    bodies.content_type(headers, bodies.JSON, remedy="GitLab sends that unless a proxy changes it")
    return results.received(event, delivery, [_push(bodies.decode(_DECODER, body))])


def _unrelated(event: str) -> str:
    if event == "System Hook":
        return "system hooks don't deploy: add a webhook to the project or group"
    return "only push and tag push events deploy: leave the other triggers of the webhook out"


def _push(payload: _Payload) -> Push:
    after = fields.object_name("after", payload.after)
    before = fields.object_name("before", payload.before)
    commit = fields.optional_object_name("checkout_sha", payload.checkout_sha)
    text = _message(payload, commit or after)
    where = _addresses(payload.project)
    paths = _paths(payload, before)
    return Push(
        repository=where.repository,
        aliases=where.aliases,
        ref=fields.ref("ref", payload.ref),
        before=fields.before_of(before, after),
        after=after,
        commit=fields.commit_behind(after, commit),
        title=fields.title(text),
        message=fields.message(text),
        pusher=fields.one_line(payload.user_username or payload.user_name),
        paths=paths,
        maybe_renamed=_maybe_renamed(payload) if paths else (),
    )


def _addresses(project: _Project) -> fields.Addresses:
    return fields.repository(
        ("project.git_http_url", project.git_http_url),
        ("project.web_url", project.web_url),
        ("project.git_ssh_url", project.git_ssh_url),
    )


def _message(payload: _Payload, commit: str) -> str | None:
    """The message of the newest commit, else of the annotated tag."""
    listed = payload.commits or ()
    return next((each.message for each in listed if each.id == commit), payload.message)


def _paths(payload: _Payload, before: str) -> tuple[str, ...] | None:
    """GitLab lists the newest 20 commits and says how many there are."""
    listed = payload.commits or ()
    all_there = payload.total_commits_count == len(listed)
    return commits.paths(listed, complete=all_there and before not in ZEROS)


def _maybe_renamed(payload: _Payload) -> tuple[str, ...]:
    """Added files, each of which may be a rename: GitLab lists a renamed file only as added, by its new name.

    https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/models/commit.rb (repo_changes)
    """
    return commits.new_files(payload.commits or ())
