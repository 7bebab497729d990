"""The providers by name. Pure.

To add one: give it `verify` and `parse`, list it in PROVIDERS, add fixtures and its rows in docs/hooks.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from dispatcher.domain.errors import UsageError
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers
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
from dispatcher.webhooks.results import AuthFailure, Ignored, Received


class Provider(Protocol):
    """How one kind of Git host signs and formats its webhooks."""

    def verify(self, headers: Headers, _body: bytes, trust: Trust, /) -> int | AuthFailure:
        """The index of the secret that authenticated the delivery, or why there is none."""

    def parse(self, headers: Headers, body: bytes, /) -> Received | Ignored:
        """Parses an authenticated delivery. Raises Rejection if that fails."""


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


def provider_of(name: str) -> Provider:
    """Raises UsageError for an unknown provider."""
    if name not in PROVIDERS:
        raise UsageError(f"there is no provider {name!r}: use one of {', '.join(PROVIDERS)}")
    return PROVIDERS[name]
