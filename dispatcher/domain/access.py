"""Who may do what through the API. Values only.

Times are milliseconds since the epoch, by Redis' clock; 0 is "never".
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a caller may do; each role includes those before it."""

    READ = "read"  # look at everything
    OPERATE = "operate"  # and redeploy, cancel, release, pause, resume, replay
    ADMIN = "admin"  # and manage tokens

    def includes(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An API token as the ledger keeps it, under its SHA-256. The token itself is shown once and not kept."""

    name: str
    role: Role
    targets: tuple[str, ...] = ()
    """Globs of the targets that it is limited to; none for all."""
    created_at: int
    created_by: str = ""
    expires_at: int = 0

    def expired(self, now: int) -> bool:
        return 0 < self.expires_at <= now


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a request, as its token or a trusted proxy says."""

    name: str
    role: Role
    targets: tuple[str, ...] = ()
    """Globs; none for all."""


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person who is signed in to the dashboard, as the ledger keeps it under the SHA-256 of the cookie."""

    csrf: str
    """What each form of the dashboard sends along, so that no other site can make the browser send one."""
    token: str = ""
    """SHA-256 of the API token that the person signed in with: the session ends with it."""
    user: str = ""
    """Or the user that a trusted proxy names."""


class Verb(StrEnum):
    """What an order asks for."""

    REDEPLOY = "redeploy"
    CANCEL = "cancel"
    RELEASE = "release"
    PAUSE = "pause"
    RESUME = "resume"
    REPLAY = "replay"
    RESEND = "resend"
    TEST_RECEIVER = "test-receiver"
    CREATE_TOKEN = "create-token"  # noqa: S105  # a verb
    REVOKE_TOKEN = "revoke-token"  # noqa: S105


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order, recorded before it is carried out; or what came of one, recorded after that."""

    order: str
    """Id of the order, which its entry and that of its outcome share."""
    at: int
    caller: str
    """Name of the token, or of the user that a trusted proxy named."""
    address: str
    verb: Verb
    subject: str = ""
    """The target, the deploy `target/number`, the delivery or the token; "" for everything."""
    by: str = ""
    """The person that the order names."""
    reason: str = ""
    """Why, as the order says."""
    outcome: str = ""
    """What came of it, or the code of the error; "" in the first entry."""
