"""Authenticates and parses requests without revealing which hooks exist. Pure.

For an unauthenticated request, the bytes read, the work done and the answer must not depend on the hook:
otherwise anyone could find out which hooks exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from dispatcher.config import Hook
from dispatcher.http.client_address import Address, within
from dispatcher.http.connection.origins import is_local
from dispatcher.http.uniform_cost import UniformCost
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.receiving import parse_request, receive
from dispatcher.webhooks.results import AuthFailure, Parsed, Rejected, too_large, unauthorized
from dispatcher.webhooks.verification_cost import spend, spent


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A request to a hook before authentication."""

    id: str
    """Random; the source of generated IDs of the delivery."""
    hook: Hook
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = field(repr=False)
    received_at: float
    """Seconds since the epoch."""
    sender: Address | None
    """None where it is unknown."""

    def trust(self) -> Trust:
        secrets = [secret.reveal() for secret in self.hook.secrets]
        return Trust(secrets, self.received_at, self.hook.replay_window)

    def allowed(self) -> bool:
        """Whether the hook accepts deliveries from the sender's address."""
        allow = self.hook.allow
        return not allow or (self.sender is not None and within(self.sender, allow))


def receive_incoming(
    incoming: Incoming, uniform: UniformCost, *, accept_foreign_hosts: bool = False
) -> Parsed:
    """Authenticates the sender against the hook, then parses the request.

    `accept_foreign_hosts`: hooks without secrets accept any Host and Origin, not just this machine's.
    """
    before, hook = spent(), incoming.hook
    parsed = _received(incoming, accept_foreign_hosts=accept_foreign_hosts)
    if isinstance(parsed, Rejected) and parsed.status == 401:
        spend(uniform.rejecting(incoming.headers).less(spent().since(before)), incoming.body)
        return parsed
    if len(incoming.body) > hook.max_body:
        return msgspec.structs.replace(too_large(hook.max_body), secret=parsed.secret)
    return parsed


def _received(incoming: Incoming, *, accept_foreign_hosts: bool) -> Parsed:
    hook = incoming.hook
    if not incoming.allowed():
        return unauthorized(AuthFailure.ADDRESS)
    if not hook.insecure:
        return receive(hook.provider, incoming.headers, incoming.body, incoming.trust())
    if accept_foreign_hosts or is_local(incoming.headers):
        return parse_request(hook.provider, incoming.headers, incoming.body)
    return unauthorized(AuthFailure.FOREIGN)
