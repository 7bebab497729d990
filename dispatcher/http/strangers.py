"""What is the same for whoever has proved nothing, whichever hook they ask for: there or not. Pure.

How much is read, how much is computed and what is answered must not depend on the hook, or a stranger could
find out by it which hooks there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import msgspec

from dispatcher.config import Hook
from dispatcher.http.addresses import Address, within
from dispatcher.webhooks import (
    Answer,
    Cause,
    Rejected,
    Trust,
    effort,
    read_unproved,
    receive,
    too_large,
    unauthorized,
)
from dispatcher.webhooks.headers import RawHeaders

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


def receive_from(
    sender: Address | None, hook: Hook, alike: Alike, headers: RawHeaders, body: bytes, trust: Trust
) -> Answer:
    """What `receive` says, once it is known that the sender may say it to this hook."""
    before = effort.hashed()
    if permitted(sender, hook):
        read = read_unproved if hook.insecure else partial(receive, trust=trust)
        answer = read(hook.provider, headers, body)
    else:
        answer = unauthorized(Cause.ADDRESS)
    if isinstance(answer, Rejected) and answer.status == 401:
        effort.make_up(alike.hashes - (effort.hashed() - before), body)
        return answer
    if len(body) > hook.max_body:
        return msgspec.structs.replace(too_large(hook.max_body), secret=answer.secret)
    return answer


def permitted(sender: Address | None, hook: Hook) -> bool:
    return not hook.allow or (sender is not None and within(sender, hook.allow))
