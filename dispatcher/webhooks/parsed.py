"""What a webhook turns out to be: pushes, nothing to do, or rejected. Values only."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.push import Push


class AuthFailure(StrEnum):
    """Why a request is not authenticated. For the log: the sender hears the same of them all."""

    MISSING = "signature_missing"  # neither a signature nor a token was sent
    LEGACY = "signature_legacy"  # only GitHub's SHA-1 signature, which is too weak today
    STALE = "signature_stale"  # right, but older or newer than the hook's replay_window
    FORM = "signature_of_form"  # a form of Gitea's kind, whose signature is of the JSON inside
    REPEATED = "signature_repeated"  # the header was sent more than once
    MALFORMED = "signature_malformed"  # not of the form that the provider sends
    MISMATCH = "signature_mismatch"  # well-formed, but of another secret or another body
    ADDRESS = "address_not_allowed"  # from an address that the hook's allow doesn't have
    FOREIGN = "foreign_host"  # to a hook without secrets, under a name or from a page of elsewhere


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticated delivery with at least one push."""

    event: str
    delivery_id: str
    """The host's own id, the same when it sends the delivery again; "" where there is none."""
    pushes: tuple[Push, ...]
    """In the order in which the host lists them."""
    secret: int = 0
    """Which of the hook's secrets it was signed with: tells when an old one can go."""


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticated delivery that has nothing to deploy, for a good reason. Answered with 200."""

    event: str
    delivery_id: str
    reason: str
    secret: int = 0


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is turned down: `status` and `message` are for the sender, `cause` is for the log."""

    status: int
    code: str
    message: str
    cause: str = ""
    secret: int | None = None
    """Which of the hook's secrets authenticated it although it cannot be parsed; None if none did."""


Parsed: TypeAlias = Received | Ignored | Rejected


class Refused(DispatcherError):
    """Ends the parsing of a request; `receive` turns it into its Rejected."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.rejected = Rejected(status=status, code=code, message=message, cause=code)


def unauthorized(cause: AuthFailure) -> Rejected:
    """One answer for all causes, so that an unauthenticated sender learns nothing from it."""
    return Rejected(
        status=401,
        code="unauthorized",
        message="The delivery is not authenticated: compare the secret at the Git host "
        "with the secrets of this hook. Gitea, Forgejo and Gogs must send application/json",
        cause=cause,
    )


def too_large(limit: int) -> Rejected:
    """For the HTTP layer, which counts while it reads."""
    return Rejected(
        status=413,
        code="body_too_large",
        message=f"The body is larger than the {limit} bytes that this hook takes: raise its max_body",
        cause="body_too_large",
    )
