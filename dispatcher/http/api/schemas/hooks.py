"""JSON bodies about hooks. Must not contain a secret."""

from __future__ import annotations

import msgspec


class SecretInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A secret, by where it comes from."""

    source: str
    """`env NAME` or `file PATH`."""
    last_used: str | None = None
    """When it last authenticated a delivery; null for never."""


class HookInfo(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    provider: str
    repositories: tuple[str, ...]
    insecure: bool = False
    secrets: tuple[SecretInfo, ...] = ()
    rejected: dict[str, int] = {}
    """Why requests were not authenticated -> how many there ever were."""


class HookList(msgspec.Struct, frozen=True, kw_only=True):
    hooks: tuple[HookInfo, ...]
    unknown: dict[str, int]
    """The same of requests to hooks that aren't there."""
