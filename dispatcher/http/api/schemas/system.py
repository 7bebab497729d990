"""JSON bodies about the installation as a whole."""

from __future__ import annotations

import msgspec

from dispatcher.domain.process import ProcessKind
from dispatcher.http.api.schemas.pauses import PauseInfo
from dispatcher.http.api.schemas.processes import ConfigurationInfo


class HealthInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Each is "ok", or says what is wrong; as in `/readyz`."""

    ledger: str
    cluster: str
    workers: str
    configuration: str
    web: str


class LedgerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The server that keeps the ledger."""

    server: str
    """`valkey` or `redis`."""
    version: str
    used_memory: int
    """Bytes."""
    max_memory: int
    """Bytes; 0 for no limit."""
    up_for: int
    durability: str
    """What it loses of what was acknowledged if its host is lost; empty if unknown."""


class WatchProblemInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What of the cluster the leading watcher cannot follow."""

    namespace: str
    """Empty for all."""
    kind: str
    why: str
    since: str | None


class ProcessConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration that a process works with, and what it refuses."""

    process: str
    kind: ProcessKind
    configuration: ConfigurationInfo


class RefusedDeliveries(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries whose pushes were never taken."""

    hook: str
    """Empty for all names that no hook has."""
    status: int
    count: int
    last_at: str | None


class SystemInfo(msgspec.Struct, frozen=True, kw_only=True):
    health: HealthInfo
    versions: dict[str, int]
    """Version → how many processes of it are there."""
    leader: str | None
    """The leading watcher, by its name; null where none leads, or none has said so yet."""
    ledger: LedgerInfo
    watch_problems: tuple[WatchProblemInfo, ...]
    configurations: tuple[ProcessConfiguration, ...]
    paused: PauseInfo | None
    """Whether all targets are paused together."""
    repairs: dict[str, int]
    """How many of each kind there ever were."""
    never_taken: tuple[RefusedDeliveries, ...]
    """By hook and status, 401, 429 and 503, since the ledger began."""
