"""JSON bodies about hooks. Must not contain a secret."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dispatcher.config import Hook
from dispatcher.http.api.schemas.times import rfc3339

Counts = Mapping[tuple[str, str], int]


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


def hook_list(hooks: Mapping[str, Hook], used: Counts, rejected: Counts) -> HookList:
    return HookList(
        hooks=tuple(_hook(hook, used, rejected) for hook in hooks.values()),
        unknown=_of("", rejected),
    )


def _hook(hook: Hook, used: Counts, rejected: Counts) -> HookInfo:
    sources = [secret.source for secret in hook.secrets]
    return HookInfo(
        name=hook.name,
        provider=hook.provider,
        repositories=hook.repositories,
        insecure=hook.insecure,
        secrets=tuple(
            SecretInfo(source=source, last_used=rfc3339(used.get((hook.name, source), 0)))
            for source in sources
        ),
        rejected=_of(hook.name, rejected),
    )


def _of(hook: str, counts: Counts) -> dict[str, int]:
    return {why: count for (name, why), count in sorted(counts.items()) if name == hook}
