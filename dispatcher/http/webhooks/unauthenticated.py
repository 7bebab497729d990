"""What is the same for whoever has proved nothing, whichever hook they ask for: there or not. Pure.

How much is read, how much is computed and what is answered must not depend on the hook, or a stranger could
find out by it which hooks there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from dispatcher.config import Hook
from dispatcher.http.client_address import Address, within
from dispatcher.http.connection.origins import is_local
from dispatcher.webhooks import verification_cost
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import RawHeaders
from dispatcher.webhooks.parsed import AuthFailure, Parsed, Rejected, too_large, unauthorized
from dispatcher.webhooks.receiving import parse_delivery, receive

SLACK = 4 * verification_cost.MAX_SIGNATURES
"""Bytes by which padding makes the signatures of a header longer."""
USUAL_BODY = Hook.model_fields["max_body"].default


@dataclass(frozen=True)
class Alike:
    """The most that any hook asks for: everyone gets it."""

    body: int = USUAL_BODY
    """Bytes that are read; a hook that takes fewer says so once the sender is known."""
    hashes: int = 1
    """How often a body is hashed before it is refused: a hook does it once for each of its secrets."""

    @classmethod
    def of(cls, hooks: Iterable[Hook]) -> Alike:
        known = tuple(hooks)
        return cls(
            max([USUAL_BODY, *(hook.max_body for hook in known)]),
            max([1, *(len(hook.secrets) for hook in known)]),
        )

    def work(self, headers: Iterable[tuple[bytes, bytes]]) -> verification_cost.Cost:
        """What a refusal costs at the most: whatever the headers of a hook are called, it decodes and hashes
        no more than was sent, and compares no more than so many for each of its secrets."""
        sent = sum(len(value) for _, value in headers)
        return verification_cost.Cost(
            self.hashes, 2 * sent + SLACK, verification_cost.MAX_SIGNATURES * self.hashes
        )


def receive_from(
    sender: Address | None,
    hook: Hook,
    alike: Alike,
    headers: RawHeaders,
    body: bytes,
    trust: Trust,
    *,
    anywhere: bool = False,
) -> Parsed:
    """What `receive` says, once it is known that the sender may say it to this hook.

    `anywhere` is whether hooks without secrets take what was not meant for this very machine.
    """
    sent, before = tuple(headers), verification_cost.spent()
    if not permitted(sender, hook):
        answer: Parsed = unauthorized(AuthFailure.ADDRESS)
    elif not hook.insecure:
        answer = receive(hook.provider, sent, body, trust)
    elif anywhere or is_local(sent):
        answer = parse_delivery(hook.provider, sent, body)
    else:
        answer = unauthorized(AuthFailure.FOREIGN)
    if isinstance(answer, Rejected) and answer.status == 401:
        verification_cost.spend(
            alike.work(sent).less(verification_cost.spent().since(before)), body
        )
        return answer
    if len(body) > hook.max_body:
        return msgspec.structs.replace(too_large(hook.max_body), secret=answer.secret)
    return answer


def permitted(sender: Address | None, hook: Hook) -> bool:
    return not hook.allow or (sender is not None and within(sender, hook.allow))
