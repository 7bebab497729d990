"""The active configuration, replaced as a whole so that no request sees half of a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from anyio import CapacityLimiter, to_thread

from dispatcher.config import Chat, Configuration, Hook, LogSettings, Target, Webhook
from dispatcher.config.reloading import Reloader
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.repositories import normalize_repository
from dispatcher.http.uniform_cost import UniformCost
from dispatcher.ledger import LogBounds
from dispatcher.matching.evaluation import HookScope
from dispatcher.matching.matcher import Matcher

LOOK_EVERY = 1.0
"""Seconds between two checks of the files."""

log = structlog.get_logger()


@dataclass(frozen=True)
class ActiveConfig:
    """A valid configuration and what is built from it."""

    hooks: Mapping[str, Hook]
    targets: Mapping[str, Target]
    scopes: Mapping[str, HookScope]
    """By the hooks' names."""
    uniform_cost: UniformCost
    matcher: Matcher
    log_bounds: LogBounds
    repositories: Mapping[str, str]
    """Target → identity of its repository."""
    receivers: Mapping[str, Webhook | Chat]
    """Of notifications."""
    logs: LogSettings

    @classmethod
    def of(cls, configuration: Configuration) -> ActiveConfig:
        hooks, targets = configuration.hooks, configuration.targets
        scopes = {name: HookScope(name, hook.spoken_for) for name, hook in hooks.items()}
        bounds = LogBounds(**configuration.deliveries.model_dump())
        matcher = Matcher(targets.values())
        repositories = {name: normalize_repository(t.repository) for name, t in targets.items()}
        cost = UniformCost.of(hooks.values())
        receivers = configuration.notifications.receivers
        logs = configuration.logs
        return cls(hooks, targets, scopes, cost, matcher, bounds, repositories, receivers, logs)


class LiveConfig:
    """Holds the newest valid configuration in `now`."""

    def __init__(self, source: Reloader) -> None:
        self._source = source
        self._thread = CapacityLimiter(1)  # of its own: those of the API may all wait for Redis
        self._built = source.current
        self.now = ActiveConfig.of(self._built)

    async def look(self) -> None:
        """Reloads the files if they have changed."""
        try:
            self.now = await to_thread.run_sync(self._look, limiter=self._thread)
        except (DispatcherError, OSError) as error:
            log.error("configuration could not be reloaded", error=str(error))

    def _look(self) -> ActiveConfig:
        """Builds even if no file changed since the last check, because an earlier build may have failed."""
        self._source.changed()
        current = self._source.current
        if current is self._built:
            return self.now
        made = ActiveConfig.of(current)
        self._built = current
        return made
