"""Hooks as JSON bodies. Must not contain a secret. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dispatcher.config import Hook
from dispatcher.http.api.schemas.hooks import HookInfo, HookList, SecretInfo
from dispatcher.http.api.schemas.times import rfc3339

Counts = Mapping[tuple[str, str], int]


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
