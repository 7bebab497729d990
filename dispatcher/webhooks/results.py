"""The results of receiving a webhook: received pushes, ignored, or rejected. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeAlias

import msgspec

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.push import Push
from dispatcher.domain.refs import is_branch_or_tag


class AuthFailure(StrEnum):
    """Why a request is not authenticated. For the log only: the sender gets the same 401 for all."""

    MISSING = "signature_missing"  # neither a signature nor a token was sent
    LEGACY = "signature_legacy"  # only GitHub's SHA-1 signature, which is too weak today
    STALE = "signature_stale"  # right, but older or newer than the hook's replay_window
    FORM = "signature_of_form"  # a form of Gitea's kind, whose signature is of the JSON inside
    REPEATED = "signature_repeated"  # the header was sent more than once
    MALFORMED = "signature_malformed"  # not in the provider's format
    MISMATCH = "signature_mismatch"  # well-formed, but for another secret or another body
    ADDRESS = "address_not_allowed"  # from an address outside the hook's `allow`
    FOREIGN = (
        "foreign_host"  # to a hook without secrets, with the Host or Origin of another machine
    )


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticated delivery with at least one push."""

    event: str
    delivery_id: str
    """The Git host's ID, the same when it redelivers; "" if it sends none."""
    pushes: tuple[Push, ...]
    """In the order in which the host lists them."""
    secret: int = 0
    """Index of the hook's secret that authenticated it: shows when an old secret can be removed."""


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticated delivery with nothing to deploy. Web answers 200."""

    event: str
    delivery_id: str
    reason: str
    secret: int = 0


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A rejected request: `status` and `message` are for the sender, `cause` is for the log."""

    status: int
    code: str
    message: str
    cause: str = ""
    secret: int | None = None
    """Index of the secret that authenticated it although it cannot be parsed; None if none did."""


RENAMED = "only pushes deploy: after a rename, change the repository's URL in targets and hooks"
"""Reason for ignoring a rename event: a target follows the URL in its configuration."""

Parsed: TypeAlias = Received | Ignored | Rejected


class Rejection(DispatcherError):
    """Ends the parsing of a request; `receive` turns it into its Rejected."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.rejected = Rejected(status=status, code=code, message=message, cause=code)


def received(event: str, delivery: str, updates: Iterable[Push]) -> Received | Ignored:
    """The pushes to branches and tags; drops other refs (notes, reviews)."""
    pushes = tuple(push for push in updates if is_branch_or_tag(push.ref))
    if not pushes:
        return ignored(event, delivery, "no branch or tag was updated")
    return Received(event=event, delivery_id=delivery, pushes=pushes)


def ignored(event: str, delivery: str, reason: str) -> Ignored:
    return Ignored(event=event, delivery_id=delivery, reason=reason)


def ping(event: str, delivery: str, what: str) -> Ignored:
    """The result for a test delivery."""
    return ignored(event, delivery, f"{what}: the hook works")


def unauthorized(cause: AuthFailure) -> Rejected:
    """The same 401 for every cause, so that an unauthenticated sender learns nothing from it."""
    return Rejected(
        status=401,
        code="unauthorized",
        message="The delivery is not authenticated: compare the secret at the Git host "
        "with the secrets of this hook. Gitea, Forgejo and Gogs must send application/json",
        cause=cause,
    )


def too_large(limit: int) -> Rejected:
    """The 413 for a body over `limit` bytes; the HTTP layer counts while it reads."""
    return Rejected(
        status=413,
        code="body_too_large",
        message=f"The body is larger than the {limit} bytes that this hook takes: raise its max_body",
        cause="body_too_large",
    )
