"""JSON bodies about API tokens and the audit log."""

from __future__ import annotations

import msgspec

from dispatcher.domain.access import AuditEntry, Role, Token, Verb
from dispatcher.http.api.schemas.times import rfc3339


class TokenInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An API token, without what its holder sends."""

    name: str
    role: Role
    targets: tuple[str, ...] = ()
    """Globs of the targets that it is limited to; none for all."""
    created_at: str | None = None
    created_by: str = ""
    expires_at: str | None = None
    """Null for never."""
    expired: bool = False


class TokenList(msgspec.Struct, frozen=True):
    tokens: tuple[TokenInfo, ...]
    """The ledger's, by name; those of the environment are not listed."""


class CreatedToken(TokenInfo, frozen=True, kw_only=True):
    """A token that was just created."""

    token: str
    """What its holder sends: shown this once."""


class RevokedToken(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    outcome: str = "revoked"


class AuditInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An order, and what came of it."""

    at: str | None
    caller: str
    """Name of the token that was sent."""
    address: str
    verb: Verb
    subject: str
    """The target, the deploy, the delivery or the token; empty for everything."""
    by: str
    reason: str
    outcome: str
    """An outcome of its verb, or an error code; empty if the process ended before it was known."""


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    orders: tuple[AuditInfo, ...]
    """Newest first."""
    next: str = ""
    """The cursor of the next page; empty on the last one."""


def token_info(token: Token, now: int) -> TokenInfo:
    return TokenInfo(
        name=token.name,
        role=token.role,
        targets=token.targets,
        created_at=rfc3339(token.created_at),
        created_by=token.created_by,
        expires_at=rfc3339(token.expires_at),
        expired=token.expired(now),
    )


def audit_info(entry: AuditEntry) -> AuditInfo:
    return AuditInfo(
        at=rfc3339(entry.at),
        caller=entry.caller,
        address=entry.address,
        verb=entry.verb,
        subject=entry.subject,
        by=entry.by,
        reason=entry.reason,
        outcome=entry.outcome,
    )
