"""Reads what the leading watcher's metrics say of the ledger, in four round trips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.errors import LedgerCorrupt
from dispatcher.domain.pause import Paused
from dispatcher.ledger.codec import decode
from dispatcher.ledger.slots import ALL
from dispatcher.ledger.store import Store

log = structlog.get_logger()

_ROW = ("trouble", "paused", "outcome", "succeeded_at", "begun", "attempted")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a target's newest deploy ended that ran to an end."""

    state: State
    cause: CauseKind | None
    at: int


@dataclass(frozen=True, kw_only=True)
class TargetGauges:
    """A target in numbers. Times are milliseconds by Redis' clock; 0 for none."""

    trouble: bool = False
    paused_at: int = 0
    ended: Ended | None = None
    succeeded_at: int = 0
    active: Deploy | None = None
    waiting: Deploy | None = None
    """The oldest deploy that waits."""
    waiting_count: int = 0


@dataclass(frozen=True, kw_only=True)
class SlotGauges:
    """Concurrency slots by namespace; "*" for all together."""

    limit: Mapping[str, int]
    used: Mapping[str, int]
    waiting: Mapping[str, int]
    waits_since: Mapping[str, int]
    """When the target began to wait that has waited longest."""


@dataclass(frozen=True, kw_only=True)
class LedgerGauges:
    """The ledger at one moment."""

    now: int
    """Redis' clock, in milliseconds."""
    counts: Mapping[tuple[str, str], int]
    """By target and what: see `Keys.counts`."""
    repairs: Mapping[str, int]
    used: Mapping[str, int]
    """Hook -> when its newest authenticated delivery came."""
    slots: SlotGauges
    paused_at: int
    """Since when everything is paused; 0 if it is not."""
    memory: tuple[int, int] | None
    """Bytes that Redis uses, and its limit (0 for none); None where Redis does not say."""
    targets: Mapping[str, TargetGauges] = field(default_factory=dict)


class Gauges:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def read(self, names: Sequence[str], token: str) -> LedgerGauges | None:
        """These targets and all that they share; None if the watcher with this token does not lead.

        The number of round trips does not depend on that of targets.
        """
        keys = self._keys
        with self._store.redis() as client:
            asked = client.pipeline(transaction=False)
            asked.get(keys.leader)
            asked.time()
            for key in (keys.counts, keys.repairs, keys.used, keys.running, keys.max_running):
                asked.hgetall(key)
            asked.hgetall(keys.waiters)
            asked.zrange(keys.waiting, 0, -1, withscores=True)
            asked.zrange(keys.due, 0, -1)
            asked.get(keys.paused)
            leader, now, counts, repairs, used, running, limits, waiters, waiting, due, paused = (
                asked.execute()
            )
        if leader != token:
            return None
        return LedgerGauges(
            now=int(now[0]) * 1000 + int(now[1]) // 1000,
            counts={_split(name): int(count) for name, count in counts.items()},
            repairs={kind: int(count) for kind, count in repairs.items()},
            used=_newest((_split(name)[0], int(at)) for name, at in used.items()),
            slots=_slots(running, limits, waiters, dict(waiting)),
            paused_at=_paused_at(paused),
            memory=self._memory(),
            targets=self._targets(names, set(due)),
        )

    def _memory(self) -> tuple[int, int] | None:
        with self._store.redis() as client:
            asked = client.pipeline(transaction=False)
            asked.info("memory")
            (found,) = asked.execute(raise_on_error=False)
        if isinstance(found, Exception):  # a managed Redis keeps it to itself
            return None
        return int(found["used_memory"]), int(found.get("maxmemory", 0))

    def _targets(self, names: Sequence[str], due: set[str]) -> dict[str, TargetGauges]:
        """Only a target that is due can have something open."""
        keys = self._keys
        with self._store.redis() as client:
            asked = client.pipeline(transaction=False)
            for name in names:
                asked.hmget(keys.row(name), *_ROW)
            busy = [name for name in names if name in due]
            for name in busy:
                asked.hvals(keys.open(name))
            found = asked.execute()
            rows = dict(zip(names, found[: len(names)], strict=True))
            opened = dict(zip(busy, found[len(names) :], strict=True))
            numbers = {name: _in_order(opened[name]) for name in busy if opened[name]}
            for name, all_of_them in numbers.items():
                asked.hmget(keys.deploys(name), _shown(all_of_them, rows[name]))
            deploys = dict(zip(numbers, asked.execute() if numbers else (), strict=True))
        read = {
            name: _readable(name, rows[name], len(numbers.get(name, ())), deploys.get(name, ()))
            for name in names
        }
        return {name: gauges for name, gauges in read.items() if gauges}


def _in_order(numbers: Iterable[str]) -> list[str]:
    return sorted(" ".join(numbers).split(), key=int)


def _shown(numbers: Sequence[str], row: Sequence[str | None]) -> list[str]:
    """The oldest open deploys, and what was started last: among them is the active one."""
    begun, attempted = (row[4] or "").rpartition(" ")[2], row[5] or ""
    return [*numbers[:2], *sorted({begun, attempted}.intersection(numbers[2:]))]


def _readable(
    name: str, row: Sequence[str | None], count: int, raw: Sequence[Any]
) -> TargetGauges | None:
    """One target's broken row, or one of a newer version, must not hide all others."""
    try:
        return _target(row, count, raw)
    except LedgerCorrupt as error:
        log.error("a target cannot be read and has no metrics", target=name, why=str(error))
        return None


def _target(row: Sequence[str | None], count: int, raw: Sequence[Any]) -> TargetGauges:
    deploys = sorted((decode(each, Deploy) for each in raw if each), key=lambda d: d.number)
    active = [deploy for deploy in deploys if deploy.active]
    waiting = [deploy for deploy in deploys if deploy.state is State.PENDING]
    trouble, paused, outcome, succeeded_at = row[:4]
    return TargetGauges(
        trouble=bool(trouble),
        paused_at=_paused_at(paused),
        ended=_ended(outcome or ""),
        succeeded_at=int(succeeded_at or 0),
        active=next(iter(active), None),
        waiting=next(iter(waiting), None),
        waiting_count=count - len(active),
    )


def _ended(text: str) -> Ended | None:
    """Of a row's `outcome`: "number state cause time", with "-" for no cause."""
    if not text:
        return None
    try:
        _, state, cause, at = text.split()
        known = None if cause == "-" else CauseKind(cause)
        return Ended(state=State(state), cause=known, at=int(at))
    except ValueError as error:
        raise LedgerCorrupt(f"a row's outcome cannot be read: {error}") from error


def _paused_at(raw: str | None) -> int:
    return decode(raw, Paused).at if raw else 0


def _split(field: str) -> tuple[str, str]:
    first, _, rest = field.partition(" ")
    return first, rest


def _newest(times: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, at in times:
        found[name] = max(at, found.get(name, 0))
    return found


def _slots(
    running: Mapping[str, str],
    limits: Mapping[str, str],
    waiters: Mapping[str, str],
    waiting: Mapping[str, float],
) -> SlotGauges:
    used, count, since = Counter(running.values()), Counter[str](), dict[str, int]()
    used[ALL], count[ALL] = len(running), len(waiting)
    for target, at in waiting.items():
        namespace = waiters.get(target, "").partition(" ")[0]
        count[namespace] += 1
        for where in (namespace, ALL):
            since[where] = min(int(at), since.get(where, int(at)))
    return SlotGauges(
        limit={namespace: int(most) for namespace, most in limits.items()},
        used=used,
        waiting=count,
        waits_since=since,
    )
