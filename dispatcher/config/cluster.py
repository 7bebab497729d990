"""The section `cluster`: how many deploys may run at once, and which namespaces the watcher follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from dispatcher.config.jobs import Settings
from dispatcher.config.values import DAY, HOUR, MINUTE, Namespace, Whole, duration

Most = Annotated[Whole, Field(ge=0, le=100_000)]


class NamespaceSettings(Settings):
    """One namespace. The watcher follows every namespace listed here, even if no target uses it."""

    max_running: Most = 0


class ClusterSettings(Settings):
    """The section `cluster`."""

    max_running: Most = 0
    """How many deploys of all targets together may run at once; 0 for no limit."""
    watch: Literal["each", "all"] = "each"
    """Whether the watcher lists and watches each namespace separately, or the whole cluster at once."""
    namespaces: dict[Namespace, NamespaceSettings] = {}  # noqa: RUF012  # pydantic copies it
    removal_grace: Annotated[int, duration(0, HOUR)] = 2 * MINUTE
    """How long a target must be missing before it counts as removed; seconds."""
    keep_removed_for: Annotated[int, duration(0, 365 * DAY)] = 30 * DAY
    """How long the ledger keeps the history of a target that is no longer configured; seconds."""

    def limits(self) -> dict[str, int]:
        """Namespace -> most deploys that may run there at once, "" for all together; only limited ones."""
        own = {name: settings.max_running for name, settings in self.namespaces.items()}
        return {name: most for name, most in {"": self.max_running, **own}.items() if most}

    def followed(self, used: Iterable[str]) -> set[str]:
        """The namespaces to follow if targets use those in `used`; {""} stands for the whole cluster."""
        return {""} if self.watch == "all" else {*used, *self.namespaces}
