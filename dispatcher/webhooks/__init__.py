"""What Git hosts send: headers and bytes in, pushes out. No I/O here.

One module per host. To add one: give it `verify` and `parse`, list it in PROVIDERS, add fixtures
and its rows in docs/hooks.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import msgspec

from dispatcher.domain.errors import UsageError
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers, RawHeaders
from dispatcher.webhooks.naming import without_other_names
from dispatcher.webhooks.providers import (
    azure_devops,
    bitbucket,
    bitbucket_server,
    forgejo,
    generic,
    gitea,
    github,
    gitlab,
    gogs,
)
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
    "Trust",
    "read_unproved",
    "receive",
    "too_large",
    "unauthorized",
    "without_other_names",
]


class Provider(Protocol):
    """A Git host's way of sending webhooks."""

    def verify(self, headers: Headers, _body: bytes, trust: Trust, /) -> int | Cause:
        """The index of the secret that proved the delivery, or why there is none."""

    def parse(self, headers: Headers, body: bytes, /) -> Received | Ignored:
        """What a verified delivery says; raises Refused where it cannot be read."""


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        "github": github,
        "gitlab": gitlab,
        "gitea": gitea,
        "forgejo": forgejo,
        "gogs": gogs,
        "bitbucket": bitbucket,
        "bitbucket-server": bitbucket_server,
        "azure-devops": azure_devops,
        "generic": generic,
    },
)


def receive(provider: str, headers: RawHeaders, body: bytes, trust: Trust) -> Answer:
    """What a request to a hook is: pushes, nothing to do, or refused.

    `headers` are (name, value) pairs of bytes as sent, repeated ones included. Nothing in the body
    is read before one of the secrets has proved its origin. Raises UsageError for a provider that
    isn't there, and nothing else, whatever was sent.
    """
    source, pairs = _provider(provider), tuple(headers)
    proved = source.verify(Headers(pairs), body, trust)
    if isinstance(proved, Cause):
        return unauthorized(proved)
    sent = Headers(without_other_names(provider, pairs, trust))
    return msgspec.structs.replace(_parsed(source, sent, body), secret=proved)


def read_unproved(provider: str, headers: RawHeaders, body: bytes) -> Answer:
    """What a request says whose origin is not proved here: to be explained, or replayed since it was
    proved before, or taken by a hook that asks for no proof."""
    return _parsed(_provider(provider), Headers(headers), body)


def _provider(name: str) -> Provider:
    if name not in PROVIDERS:
        raise UsageError(f"there is no provider {name!r}: use one of {', '.join(PROVIDERS)}")
    return PROVIDERS[name]


def _parsed(source: Provider, headers: Headers, body: bytes) -> Answer:
    try:
        return source.parse(headers, body)
    except Refused as refused:
        return refused.rejected
