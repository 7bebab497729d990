"""What the ledger says, as the leading watcher serves it: read at each scrape, so that restarts lose nothing.

A scrape runs in a thread of its own and with a client of its own: it holds up neither the watcher nor Redis.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import structlog

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.event import EventKind
from dispatcher.domain.process import Liveness, ProcessKind, Roll
from dispatcher.ledger import Backlog, Gauges, LedgerGauges, Processes, TargetGauges, WakeUps
from dispatcher.metrics.definitions import DEFINITIONS, PREFIX, Process
from dispatcher.metrics.registry import Labels, Registry, Samples

OWN = {
    "deploy_phase_duration_seconds",
    "namespace_synced",
    "watch_restarts_total",
    "watch_last_event_timestamp_seconds",
    "watch_last_list_timestamp_seconds",
}
"""The leader's metrics that it does not read from the ledger."""
NAMES = tuple(
    name
    for each in DEFINITIONS
    if Process.LEADER in each.processes and (name := each.name.removeprefix(PREFIX)) not in OWN
)

OLDEST: Mapping[str, Callable[[float, float], float]] = {
    "deploy_pending_oldest_age_seconds": max,
    "deploy_active_oldest_age_seconds": max,
    "target_paused_timestamp_seconds": min,
    "target_last_outcome_timestamp_seconds": max,
    "target_last_success_timestamp_seconds": max,
}
"""Metrics whose values are not added where several targets share their labels: which of two counts."""

Found: TypeAlias = tuple[str, Labels, float]
"""Metric, labels, value. Values of the same metric with the same labels are added."""

log = structlog.get_logger()


@dataclass(frozen=True)
class LeaderMetrics:
    """Serves the ledger's gauges while `leads`."""

    gauges: Gauges
    wake_ups: WakeUps
    processes: Processes
    token: str
    """The watcher's: if another one leads by now, this one serves none."""
    leads: Callable[[], bool]
    targets: Callable[[], Mapping[str, str]]
    """Target -> namespace, of the configuration."""
    most_targets: int
    """Targets up to which each has series of its own; beyond that they are added up by namespace."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.perf_counter

    def add_to(self, registry: Registry) -> None:
        registry.collect(NAMES, self._read)

    def _read(self) -> Mapping[str, Samples]:
        if not self.leads():
            return {}
        begun, targets = self.clock(), dict(self.targets())
        try:
            read = self.gauges.read(list(targets), self.token)
            if not read:
                return {}
            backlog, roll = self.wake_ups.backlog(), self.processes.roll()
        except DispatcherError as error:  # `ledger_up` says it too
            log.warning("metrics of the ledger could not be read", why=str(error))
            return {}
        found = [*of_ledger(read), *of_backlog(backlog, self.now()), *of_processes(roll)]
        found += of_targets(read, targets, each=len(targets) <= self.most_targets)
        found.append(("ledger_gauges_duration_seconds", (), self.clock() - begun))
        return collected(found)


def collected(found: list[Found]) -> dict[str, dict[Labels, float]]:
    """By metric and labels. Labels that several targets share have one value."""
    samples: dict[str, dict[Labels, float]] = {name: {} for name in NAMES}
    for name, labels, value in found:
        known = samples[name].get(labels)
        samples[name][labels] = value if known is None else _together(name, known, value)
    return samples


def _together(name: str, one: float, other: float) -> float:
    if name in OLDEST:
        return OLDEST[name](one, other)
    return one + other


def of_ledger(read: LedgerGauges) -> Iterator[Found]:
    for kind, count in read.repairs.items():
        yield "repairs_total", (kind,), count
    for hook, at in read.used.items():
        yield "hook_last_delivery_timestamp_seconds", (hook,), at / 1000
    slots = read.slots
    numbers = {"slots_limit": slots.limit, "slots_used": slots.used, "slots_waiting": slots.waiting}
    for name, by_namespace in numbers.items():
        for namespace, number in by_namespace.items():
            yield name, (namespace,), number
    for namespace, since in slots.waits_since.items():
        yield "slot_oldest_wait_seconds", (namespace,), (read.now - since) / 1000
    if read.paused_at:
        yield "target_paused_timestamp_seconds", ("", ""), read.paused_at / 1000
    if read.memory:
        yield "redis_memory_used_bytes", (), read.memory[0]
        yield "redis_memory_max_bytes", (), read.memory[1]


def of_backlog(backlog: Backlog, now: datetime) -> Iterator[Found]:
    age = (now - backlog.oldest).total_seconds() if backlog.oldest else 0.0
    yield "wake_ups_waiting", (), backlog.waiting
    yield "wake_up_oldest_age_seconds", (), max(0.0, age)


def of_processes(roll: Roll) -> Iterator[Found]:
    """Those that are gone are left out. A kind of which there is none has a 0, for alerts."""
    for kind in ProcessKind:
        for liveness in (Liveness.ALIVE, Liveness.LATE):
            yield "processes", (str(kind), str(liveness)), 0
    for each in roll.heartbeats:
        if (liveness := each.liveness(roll.now)) is not Liveness.GONE:
            yield "processes", (str(each.process.kind), str(liveness)), 1


def of_targets(read: LedgerGauges, targets: Mapping[str, str], *, each: bool) -> Iterator[Found]:
    """Of every configured target; unless `each`, under the target "". Counts of targets that are no longer
    configured are left out: a counter that took them up would jump."""
    for namespace, number in Counter(targets.values()).items():
        yield "targets", (namespace,), number
    labels = {name: (name if each else "", namespace) for name, namespace in targets.items()}
    for (target, what), count in read.counts.items():
        if target in labels:
            yield _counted(labels[target], what, count)
    for name, gauges in read.targets.items():
        yield from _of_target(labels[name], gauges, read.now)


KINDS = frozenset(EventKind)


def _counted(labels: Labels, what: str, count: int) -> Found:
    if what in KINDS:
        return "deploy_events_total", (*labels, what), count
    state, _, cause = what.partition(" ")
    return "deploy_states_total", (*labels, state, cause), count


def _of_target(labels: Labels, of: TargetGauges, now: int) -> Iterator[Found]:
    yield "deploys_pending", labels, of.waiting_count
    if of.waiting:
        since = of.waiting.created_at
        yield "deploy_pending_oldest_age_seconds", labels, (now - since) / 1000
    if of.active:
        yield "deploys_active", (*labels, *_state(of.active)), 1
        since = of.active.starting_at or of.active.created_at
        yield "deploy_active_oldest_age_seconds", labels, (now - since) / 1000
    if of.trouble:
        yield "target_trouble", (*labels, *_state(of.active or of.waiting)), 1
    if of.paused_at:
        yield "target_paused_timestamp_seconds", labels, of.paused_at / 1000
    if of.ended:
        ended = (*labels, str(of.ended.state), str(of.ended.cause or ""))
        yield "target_last_outcome", ended, 1
        yield "target_last_outcome_timestamp_seconds", labels, of.ended.at / 1000
    if of.succeeded_at:
        yield "target_last_success_timestamp_seconds", labels, of.succeeded_at / 1000


def _state(deploy: Deploy | None) -> tuple[str, str]:
    if deploy is None:
        return "", ""
    return str(State(deploy.state)), str(deploy.cause or "")
