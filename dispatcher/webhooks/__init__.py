"""What Git hosts send: headers and bytes in, pushes out. No I/O here.

One module per host. To add one: give it `verify` and `parse`, list it in PROVIDERS, add fixtures
and its rows in docs/hooks.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import msgspec

from dispatcher.errors import UsageError
from dispatcher.webhooks import generic, github, gitlab
from dispatcher.webhooks.headers import Headers, RawHeaders
from dispatcher.webhooks.shapes import (
    Answer,
    Cause,
    Ignored,
    Received,
    Refused,
    Rejected,
    too_large,
    unauthorized,
)

__all__ = [
    "PROVIDERS",
    "Answer",
    "Cause",
    "Ignored",
    "Provider",
    "Received",
    "Rejected",
    "receive",
    "too_large",
]


class Provider(Protocol):
    """A Git host's way of sending webhooks."""

    def verify(self, headers: Headers, _body: bytes, secrets: Sequence[bytes], /) -> int | Cause:
        """The index of the secret that the delivery was signed with, or why there is none."""

    def parse(self, headers: Headers, body: bytes, /) -> Received | Ignored:
        """What a verified delivery says; raises Refused where it cannot be read."""


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {"generic": generic, "github": github, "gitlab": gitlab},
)


def receive(provider: str, headers: RawHeaders, body: bytes, secrets: Sequence[bytes]) -> Answer:
    """What a request to a hook is: pushes, nothing to do, or refused.

    `headers` are (name, value) pairs of bytes as sent, repeated ones included. Nothing in the body
    is read before one of `secrets` has proved its origin. Raises UsageError for a provider that
    isn't there, and nothing else, whatever was sent.
    """
    if provider not in PROVIDERS:
        raise UsageError(f"there is no provider {provider!r}: use one of {', '.join(PROVIDERS)}")
    source, sent = PROVIDERS[provider], Headers(headers)
    proved = source.verify(sent, body, secrets)
    if isinstance(proved, Cause):
        return unauthorized(proved)
    try:
        answer = source.parse(sent, body)
    except Refused as refused:
        return refused.rejected
    if isinstance(answer, Received):
        return msgspec.structs.replace(answer, secret=proved)
    return answer
