"""One delivery of a Git host, from its arrival to the delivery log. Values only.

There is one value for it. Whoever authenticates, parses or evaluates it adds what became known; a replay and an
explanation start from the value that the delivery log has. Its body is never printed.
"""

from __future__ import annotations

import msgspec

from dispatcher.domain.decision import Decision

ID_LENGTH = 12
"""Of a delivery's id in the log: short, since people type it."""


class Replay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who replays which stored delivery, and why."""

    of: str
    """The delivery's id in the log."""
    first_at: int
    """When the delivery came that was replayed first, in milliseconds."""
    by: str = ""
    note: str = ""


class RefUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """One updated ref of a delivery."""

    ref: str
    before: str
    after: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An authenticated delivery. Stored as JSON in the delivery log, its body beside it."""

    # From its arrival on
    id: str
    """Our own, unlike the host's, which comes again with a redelivery."""
    hook: str
    provider: str
    headers: tuple[tuple[str, str], ...] = ()
    """Only those that the provider's parser reads."""
    body: bytes = b""
    """As it was sent; empty in the log."""
    body_bytes: int = 0
    body_stored: bool = True
    """It can be replayed."""
    secret: str = ""
    """Where the secret comes from that authenticated it, never the secret."""
    replay: Replay | None = None

    # Once it is parsed
    event: str = ""
    delivery_id: str = ""
    """The id that its deploys carry: the host's, or one that was made up."""
    repository: str = ""
    refs: tuple[RefUpdate, ...] = ()
    rejected: str = ""
    """The code with which it was rejected although it was authenticated; "" if it was taken."""

    # Once it is evaluated
    decisions: tuple[Decision, ...] = ()
    """In the delivery's order of refs; within a ref in configuration order of targets."""
    reason: str = ""
    """Why there are none."""

    def replayed(self, id: str, body: bytes, replay: Replay) -> Delivery:
        """The same delivery as a replay. Its deploys get an id of their own, since it is no repetition."""
        return Delivery(
            id=id,
            hook=self.hook,
            provider=self.provider,
            headers=self.headers,
            body=body,
            replay=replay,
            delivery_id=f"replay-{id}",
        )

    def __repr__(self) -> str:
        return f"Delivery({self.id!r}, {self.hook!r}, {self.delivery_id!r})"
