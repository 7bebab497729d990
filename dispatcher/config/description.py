"""Describes a loaded configuration as plain data for `git-dispatcher check`. Must not show a secret."""

from __future__ import annotations

from typing import Any

from dispatcher.config.cluster import ClusterSettings
from dispatcher.config.deliveries import DeliverySettings
from dispatcher.config.files import Configuration
from dispatcher.config.jobs import Clone, EnvReference, ManifestJob, ShortJob
from dispatcher.config.notifications import Chat, NotificationSettings, Webhook
from dispatcher.config.targets import Hook, Target
from dispatcher.config.values import show_size
from dispatcher.domain.durations import show_duration


def describe(configuration: Configuration) -> dict[str, Any]:
    """`{"hooks": {name: …}, "targets": {name: …}, …}`: JSON-able, durations and sizes as written."""
    return {
        "hooks": {name: _hook(hook) for name, hook in configuration.hooks.items()},
        "targets": {name: _target(target) for name, target in configuration.targets.items()},
        "deliveries": _deliveries(configuration.deliveries),
        "cluster": _cluster(configuration.cluster),
        "notifications": _notifications(configuration.notifications),
        "logs": configuration.logs.model_dump(),
    }


def _deliveries(deliveries: DeliverySettings) -> dict[str, Any]:
    return {
        "keep": deliveries.keep,
        "keep_for": show_duration(deliveries.keep_for),
        "max_bytes": show_size(deliveries.max_bytes),
    }


def _cluster(cluster: ClusterSettings) -> dict[str, Any]:
    return {
        **cluster.model_dump(exclude={"keep_removed_for", "removal_grace"}),
        "removal_grace": show_duration(cluster.removal_grace),
        "keep_removed_for": show_duration(cluster.keep_removed_for),
    }


def _notifications(notifications: NotificationSettings) -> dict[str, Any]:
    return {
        "webhooks": {name: _webhook(each) for name, each in notifications.webhooks.items()},
        "chat": {name: _chat(each) for name, each in notifications.chat.items()},
    }


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        **_receiver(webhook),
        "allow_http": webhook.allow_http,
        "secrets": [secret.source for secret in webhook.secrets],
        "timeout": show_duration(webhook.timeout),
    }


def _chat(chat: Chat) -> dict[str, Any]:
    summarize = {"within": show_duration(chat.summarize.within), "most": chat.summarize.most}
    return {**_receiver(chat), "summarize": summarize}


def _receiver(receiver: Webhook | Chat) -> dict[str, Any]:
    return {
        "url": receiver.where,
        "targets": list(receiver.targets),
        "namespaces": list(receiver.namespaces),
        "events": list(receiver.events),
        "causes": list(receiver.causes),
        "longest_pause": show_duration(receiver.longest_pause),
        "give_up_after": show_duration(receiver.give_up_after),
    }


def _hook(hook: Hook) -> dict[str, Any]:
    return {
        "provider": hook.provider,
        "secrets": [secret.source for secret in hook.secrets],
        "insecure": hook.insecure,
        "repositories": list(hook.repositories),
        "max_body": show_size(hook.max_body),
        "allow": [str(network) for network in hook.allow],
        "replay_window": show_duration(hook.replay_window),
        "clock_skew": show_duration(hook.clock_skew),
    }


def _target(target: Target) -> dict[str, Any]:
    return {
        "repository": target.repository,
        "renamed_from": target.renamed_from,
        "branches": list(target.branches),
        "tags": list(target.tags),
        "paths": list(target.paths),
        "skip_markers": target.skip_markers,
        "namespace": target.namespace,
        "on_new_push": target.on_new_push,
        "every_limit": target.every_limit,
        "max_open_branches": target.max_open_branches,
        "max_supersedes": target.max_supersedes,
        "interruptible": target.interruptible,
        "quiet_period": show_duration(target.quiet_period),
        "quiet_max": show_duration(target.quiet_max),
        "start_timeout": show_duration(target.start_timeout),
        "clone_timeout": show_duration(target.clone_timeout),
        "start_attempts": target.start_attempts,
        "stop_timeout": show_duration(target.stop_timeout),
        "on_removed": target.on_removed,
        "keep_succeeded_for": show_duration(target.keep_succeeded_for),
        "keep_failed": target.keep_failed,
        "keep_failed_for": show_duration(target.keep_failed_for),
        "clear_failed_on_success": target.clear_failed_on_success,
        "job": _job(target.job),
    }


def _job(job: ShortJob | ManifestJob) -> dict[str, Any]:
    common = {
        "timeout": show_duration(job.timeout),
        "retries": job.retries,
        "clone": _clone(job.clone),
    }
    if isinstance(job, ManifestJob):
        return {"manifest": job.manifest.file, **common}
    changed = job.model_dump(
        exclude={"timeout", "retries", "clone", "env", "stop_grace"},
        exclude_defaults=True,
        mode="json",
    )
    env = {"env": {name: _env(value) for name, value in job.env.items()}} if job.env else {}
    return {**changed, **env, **common, "stop_grace": show_duration(job.stop_grace)}


def _clone(clone: Clone | None) -> dict[str, Any] | bool:
    return clone.model_dump(exclude_defaults=True) or True if clone else False


def _env(value: str | EnvReference) -> str:
    """Where a variable's value comes from. A literal value is not shown: it may be private."""
    if isinstance(value, str):
        return "a value"
    name = f"secret {value.secret}" if value.secret else f"config_map {value.config_map}"
    return f"{name}, key {value.key}"
