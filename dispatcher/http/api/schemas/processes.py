"""JSON bodies about processes."""

from __future__ import annotations

import msgspec

from dispatcher.domain.process import Liveness, ProcessKind


class ConfigurationInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration that a process works with."""

    digest: str
    """Equal for equal configurations."""
    loaded_at: str | None
    refused_at: str | None
    """Since when the process refuses what its files say; null if it does not."""
    mistakes: tuple[str, ...]
    """The first mistakes in what it refuses."""


class WorkInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The target that a worker reconciles."""

    target: str
    since: str | None


class ProcessInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A process, as its last heartbeat described it."""

    name: str
    kind: ProcessKind
    liveness: Liveness
    state: str
    """Of a watcher: "leads" or "stands by"; else empty."""
    host: str
    pid: int
    version: str
    started_at: str | None
    heartbeat_at: str | None
    works_on: WorkInfo | None
    configuration: ConfigurationInfo | None
    """Null for workers, which work with what the leading watcher publishes."""


class ProcessList(msgspec.Struct, frozen=True, kw_only=True):
    workers: str
    """"ok", or what is wrong with the workers as a whole."""
    configuration: str
    """"ok", or who refuses the configuration, or that processes differ in it."""
    processes: tuple[ProcessInfo, ...]
    """Those that are alive, then those that are late, then those that have lately gone."""
