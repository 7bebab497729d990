"""Warnings about a valid configuration that probably does not do what its author wants, for `check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dispatcher.config.files import Configuration
from dispatcher.config.jobs import ManifestJob
from dispatcher.config.jobspec import POD, at
from dispatcher.config.mistakes import Mistake
from dispatcher.config.targets import Hook, Target
from dispatcher.domain.durations import show_duration
from dispatcher.domain.repositories import normalize_repository
from dispatcher.matching.evaluation import HookScope
from dispatcher.matching.globs import Rules

_GRACE = 30
"""Kubernetes' default terminationGracePeriodSeconds."""


def warnings(configuration: Configuration) -> tuple[Mistake, ...]:
    """Warnings in the order of the targets; each names target, field and remedy."""
    return (
        *_unspoken(configuration.hooks, configuration.targets),
        *(each for target in configuration.targets.values() for each in _of(target)),
        *_unconcerned(configuration),
    )


def _unspoken(hooks: Mapping[str, Hook], targets: Mapping[str, Target]) -> Iterator[Mistake]:
    """Warns of targets whose repository no hook speaks for: no push can ever reach them."""
    if targets and not hooks:
        text = "is empty, so no push deploys anything; add a hook"
        yield Mistake("", 0, "hooks", text)
        return
    scopes = [HookScope(hook.name, hook.spoken_for) for hook in hooks.values()]
    for name, target in targets.items():
        identity = normalize_repository(target.repository)
        if not any(scope.allows(identity) for scope in scopes):
            text = (
                f"no hook speaks for {identity}, so no push deploys it; add it to the `repositories` of "
                "the hook that its Git host sends to"
            )
            yield Mistake("", 0, f"targets.{name}.repository", text)


def _unconcerned(configuration: Configuration) -> Iterator[Mistake]:
    """Warns of receivers that no target concerns: they are never sent anything of one."""
    targets, sections = configuration.targets, configuration.notifications
    for section, receivers in (("webhooks", sections.webhooks), ("chat", sections.chat)):
        for name, receiver in receivers.items():
            of_targets, of_namespaces = Rules(receiver.targets), Rules(receiver.namespaces)
            if targets and not any(
                of_targets.wants(each.name) and of_namespaces.wants(each.namespace)
                for each in targets.values()
            ):
                text = "no target is what its `targets` and `namespaces` say; check the patterns"
                yield Mistake("", 0, f"notifications.{section}.{name}", text)


def _of(target: Target) -> Iterator[Mistake]:
    yield from _secret(target)
    yield from _grace(target)
    if isinstance(target.job, ManifestJob):
        for warning in target.job.manifest.warnings:
            yield replace(warning, text=f"target {target.name}: {warning.text}")


def _secret(target: Target) -> Iterator[Mistake]:
    """Warns of a password that would be sent unencrypted, or cannot be sent at all."""
    scheme = target.repository.partition("://")[0].lower()
    if not target.job.clone or not target.job.clone.secret:
        return
    field = f"targets.{target.name}.job.clone.secret"
    if scheme == "http":
        text = "is sent unencrypted to an http:// repository, where anyone on the way can read it; "
        yield Mistake("", 0, field, text + "write its URL with https://")
    elif scheme == "git":
        text = "cannot be used with a git:// repository, so the clone fails; "
        yield Mistake("", 0, field, text + "write its URL with https:// or ssh://")


def _grace(target: Target) -> Iterator[Mistake]:
    grace = _seconds(target)
    if grace > target.stop_timeout:
        field = f"targets.{target.name}.stop_timeout"
        text = (
            f"({show_duration(target.stop_timeout)}) is shorter than its Pods' grace period "
            f"({show_duration(grace)}), so every slow stop is reported as stuck; write more than that"
        )
        yield Mistake("", 0, field, text)


def _seconds(target: Target) -> int:
    if not isinstance(target.job, ManifestJob):
        return target.job.stop_grace
    said: Any = at(target.job.manifest.document, (*POD, "terminationGracePeriodSeconds"))
    return said if type(said) is int else _GRACE
