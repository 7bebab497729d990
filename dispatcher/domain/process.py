"""Processes of an installation, as their heartbeats describe them. Values, and rules over them.

Times are milliseconds since the epoch, by Redis' clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from dispatcher.domain.durations import show_duration
from dispatcher.domain.trouble import UNTAKEN_AFTER

LATE_AFTER = 30_000
"""A process whose last heartbeat is older (ms) is late: three heartbeats are missing."""
GONE_AFTER = 300_000
"""One that has been late for as long counts as gone."""
DIFFER_AFTER = 120_000
"""Processes may differ in their configuration for so long (ms): a mounted ConfigMap reaches each at its own
time. https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically"""


class ProcessKind(StrEnum):
    WEB = "web"
    WORKER = "worker"
    WATCHER = "watcher"


class Liveness(StrEnum):
    """What a process's last heartbeat says about it."""

    ALIVE = "alive"
    LATE = "late"  # it hangs, was killed a moment ago, or does not reach Redis
    GONE = "gone"  # it has ended, or was late for too long


class LoadedConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The configuration that a process works with."""

    digest: str
    """Equal for equal configurations; secrets are no part of it."""
    age: int
    """Milliseconds since it was read, at the heartbeat."""
    refused_for: int = 0
    """Milliseconds for which the process has refused what its files say now; 0 if it does not."""
    mistakes: tuple[str, ...] = ()
    """The first mistakes in what it refuses."""


class ProcessRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One process, as it describes itself with a heartbeat. Stored as JSON in the ledger."""

    name: str
    """Tells it from all others; RQ knows a worker by the same name."""
    kind: ProcessKind
    host: str
    pid: int
    version: str
    up_for: int = 0
    """Milliseconds since it was started, at the heartbeat."""
    state: str = ""
    """What it does as a whole: a watcher leads or stands by."""
    ended: bool = False
    """It was stopped, and this was its last heartbeat."""
    configuration: LoadedConfiguration | None = None
    """None for workers: they work with what the leading watcher publishes."""


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The last heartbeat of a process."""

    process: ProcessRecord
    at: int

    def liveness(self, now: int) -> Liveness:
        silent_for = now - self.at
        if self.process.ended or silent_for > GONE_AFTER:
            return Liveness.GONE
        return Liveness.LATE if silent_for > LATE_AFTER else Liveness.ALIVE


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """Every process that was there lately, and the wake-up that has waited longest for a worker."""

    now: int
    heartbeats: tuple[Heartbeat, ...] = ()
    untaken_since: int = 0
    """Since when the oldest wake-up that no worker takes has waited; 0 if workers take them."""

    def of(self, kind: ProcessKind, *states: Liveness) -> list[Heartbeat]:
        found = (each for each in self.heartbeats if each.process.kind == kind)
        return [each for each in found if each.liveness(self.now) in states]


def workers_health(roll: Roll) -> str:
    """ "ok", or what is wrong with the workers as a whole."""
    alive = len(roll.of(ProcessKind.WORKER, Liveness.ALIVE))
    late = len(roll.of(ProcessKind.WORKER, Liveness.LATE))
    waited = roll.now - roll.untaken_since if roll.untaken_since else 0
    counted = f"{alive} alive, {late} late"
    if waited >= UNTAKEN_AFTER:
        return f"unavailable: no worker has taken a target up for {_seconds(waited)}; {counted}"
    if not alive:
        return f"unavailable: no worker is alive; {counted}"
    return f"degraded: {counted}" if late else "ok"


def configuration_health(roll: Roll) -> str:
    """ "ok", or which kinds of processes refuse the configuration, or that processes differ in it."""
    alive = [each for each in roll.heartbeats if each.liveness(roll.now) is not Liveness.GONE]
    known = [(each, c) for each in alive if (c := each.process.configuration)]
    if refused := sorted({str(each.process.kind) for each, c in known if c.refused_for}):
        return f"refused: {', '.join(refused)}; the last good one stays, /api/v1/processes says why"
    digests = {c.digest for _, c in known}
    newest = max((each.at - c.age for each, c in known), default=0)
    if len(digests) > 1 and roll.now - newest > DIFFER_AFTER:
        return f"differs: {_differing(known)}; /api/v1/processes says which process has which"
    return "ok"


def _differing(known: Sequence[tuple[Heartbeat, LoadedConfiguration]]) -> str:
    count = len({c.digest for _, c in known})
    return f"{len(known)} processes have {count} configurations"


def _seconds(milliseconds: int) -> str:
    return show_duration(milliseconds // 1000)
