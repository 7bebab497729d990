"""What the configuration says of the cluster as a whole: how much may run at once, and where to look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from dispatcher.config.jobs import Settings
from dispatcher.config.values import DAY, HOUR, MINUTE, Namespace, Whole, duration

Most = Annotated[Whole, Field(ge=0, le=100_000)]


class NamespaceSettings(Settings):
    """One namespace. That it is named is enough for it to be looked at, also when no target uses it."""

    max_running: Most = 0


class ClusterSettings(Settings):
    """The section `cluster`."""

    max_running: Most = 0
    """Deploys that may run at once, of all targets; 0 for no limit."""
    watch: Literal["each", "all"] = "each"
    """Follow each namespace by itself, or all through one list and watch."""
    namespaces: dict[Namespace, NamespaceSettings] = {}  # noqa: RUF012  # pydantic copies it
    removal_grace: Annotated[int, duration(0, HOUR)] = 2 * MINUTE
    """How long a target must be missing before it counts as removed; seconds."""
    keep_removed_for: Annotated[int, duration(0, 365 * DAY)] = 30 * DAY
    """How long the history of a target stays that is no longer configured; seconds."""

    def limits(self) -> dict[str, int]:
        """Namespace -> how many deploys may run there at once, "" for all together; only what is limited."""
        own = {name: settings.max_running for name, settings in self.namespaces.items()}
        return {name: most for name, most in {"": self.max_running, **own}.items() if most}

    def followed(self, used: Iterable[str]) -> set[str]:
        """The namespaces to follow, where these are in use; "" stands for all."""
        return {""} if self.watch == "all" else {*used, *self.namespaces}
