"""Reads what people ask for: which targets there are, what runs, what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import redis

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.event import Event
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.row import Row
from dispatcher.domain.trouble import Trouble, trouble_of
from dispatcher.ledger.codec import decode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.events import read_timeline
from dispatcher.ledger.store import Store

SHOWN = 10
"""Most waiting deploys of a target that are read: those that come next. The others are only counted."""


@dataclass(frozen=True, kw_only=True)
class TargetView:
    """A target at a glance."""

    name: str
    active: Deploy | None
    waiting: tuple[Deploy, ...]
    """The deploys that come next, oldest first; as many as were asked for."""
    waiting_count: int
    """How many wait in all."""
    last: Deploy | None
    """The newest deploy that is over."""
    trouble: Trouble | None
    """What holds the target up."""


@dataclass(frozen=True, kw_only=True)
class WholeDeploy:
    """A deploy with all that the ledger knows of it."""

    deploy: Deploy
    timeline: tuple[Event, ...]
    """Oldest first; a long one lacks some events in its middle."""
    superseded: tuple[int, ...]
    """Numbers of the deploys that it superseded, as far as the history has them."""
    observed: ObservedJob | None
    """Its Job and Pods, until they are gone."""
    now: int
    """By Redis' clock."""


class _Superseded(msgspec.Struct, frozen=True):
    """What of a deploy tells which one superseded it."""

    number: int
    superseded_by: int = 0


DURABILITY = {
    "always": "appendfsync always: nothing acknowledged is lost",
    "everysec": "appendfsync everysec: up to a second of acknowledged pushes can be lost",
    "no": "appendfsync no: acknowledged pushes can be lost",
}


class Reader:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def targets(self, names: Sequence[str], most: int = SHOWN) -> list[TargetView]:
        """The targets, each with at most `most` waiting deploys, in two round trips. A target that was never
        pushed to is empty."""
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for name in names:
                pipeline.hmget(self._keys.row(name), _Open.FIELDS)
                pipeline.hvals(self._keys.open(name))
            pipeline.time()
            *replies, (seconds, micros) = pipeline.execute()
            now = int(seconds) * 1000 + int(micros) // 1000
            rows = [_Open.of(row, numbers, most) for row, numbers in _pairs(replies)]
            for name, row in zip(names, rows, strict=True):
                pipeline.hmget(self._keys.deploys(name), row.shown)
            found = pipeline.execute()
        return [
            _view(name, row, most, _decoded(deploys), now)
            for name, row, deploys in zip(names, rows, found, strict=True)
        ]

    def rows(self) -> list[Row]:
        """Every target that is published, or due, or has Jobs in the cluster. Two round trips."""
        keys = self._keys
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.hkeys(keys.specs)
            pipeline.zrange(keys.due, 0, -1, withscores=True)
            pipeline.smembers(keys.busy)
            specs, dues, busy = pipeline.execute()
            due = {name: int(score) for name, score in dues}
            names = sorted({*specs, *due, *busy})
            for name in names:
                pipeline.hmget(keys.row(name), "lease", "lease_until", "woken")
                pipeline.exists(keys.open(name))
            found = _pairs(pipeline.execute())
        return [
            Row(
                target=name,
                open=bool(open_),
                leased_until=int(until or 0) if lease else 0,
                woken=bool(woken),
                due=due.get(name),
            )
            for name, ((lease, until, woken), open_) in zip(names, found, strict=True)
        ]

    def deploys(self, target: str) -> list[Deploy]:
        """All deploys in the history, newest first."""
        with self._store.redis() as client:
            found = client.hvals(self._keys.deploys(target))
        return sorted((decode(raw, Deploy) for raw in texts(found)), key=lambda d: -d.number)

    def deploy(self, target: str, number: int) -> Deploy | None:
        with self._store.redis() as client:
            raw = client.hget(self._keys.deploys(target), str(number))
        return decode(texts([raw])[0], Deploy) if raw else None

    def whole(self, target: str, number: int) -> WholeDeploy | None:
        """A deploy with its timeline, what it superseded, and what of it is in the cluster. Two round trips."""
        keys = self._keys
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.hgetall(keys.deploys(target))
            pipeline.hget(keys.timelines(target), str(number))
            pipeline.time()
            deploys, lines, (seconds, micros) = pipeline.execute()
            if (raw := deploys.get(str(number))) is None:
                return None
            deploy = decode(raw, Deploy)
            job = client.hget(keys.jobs(target), f"{deploy.namespace}/{deploy.job}")
        others = (decode(raw, _Superseded) for raw in deploys.values())
        return WholeDeploy(
            deploy=deploy,
            timeline=tuple(read_timeline(lines)),
            superseded=tuple(sorted(d.number for d in others if d.superseded_by == number)),
            observed=decode(texts([job])[0], ObservedJob) if job else None,
            now=int(seconds) * 1000 + int(micros) // 1000,
        )

    def numbers(self, target: str) -> list[int]:
        """The numbers of all deploys in the history."""
        with self._store.redis() as client:
            return [int(number) for number in texts(client.hkeys(self._keys.deploys(target)))]

    def knows(self, target: str) -> bool:
        """Whether the history has any deploy of the target."""
        with self._store.redis() as client:
            return bool(client.exists(self._keys.deploys(target)))

    def durability(self) -> str:
        """Which acknowledged writes Redis would lose with its host, as a sentence; "" if unknown."""
        with self._store.redis() as client:
            try:
                found = client.config_get("append*")
            except redis.ResponseError:  # a managed Redis keeps its settings to itself
                return ""
        if found.get("appendonly") != "yes":
            return "no append-only file: acknowledged pushes can be lost"
        return DURABILITY.get(str(found.get("appendfsync")), "")


def _decoded(deploys: Iterable[str | None]) -> list[Deploy]:
    return [decode(raw, Deploy) for raw in deploys if raw]


def _pairs(replies: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(replies[::2], replies[1::2], strict=True))


@dataclass(frozen=True)
class _Open:
    """What a row says about the target's open deploys."""

    FIELDS: ClassVar[tuple[str, ...]] = ("trouble", "woken", "ended", "begun", "attempted")

    trouble: str
    woken: int
    """Since when a wake-up waits for a worker (ms), 0 for none."""
    count: int
    shown: list[str]
    """Numbers of the deploys to read: the oldest that are open, what was started last, and the last end."""

    @classmethod
    def of(cls, row: tuple[str | None, ...], numbers: Sequence[str], most: int) -> _Open:
        trouble, woken, ended, begun, attempted = (field or "" for field in row)
        ordered = sorted(" ".join(numbers).split(), key=int)
        started = {begun.rpartition(" ")[2], attempted}
        shown = [*ordered[: most + 1], *started.intersection(ordered[most + 1 :]), ended]
        return cls(trouble, int(woken or 0), len(ordered), shown)


def _view(name: str, row: _Open, most: int, deploys: Sequence[Deploy], now: int) -> TargetView:
    ordered = sorted(deploys, key=lambda d: d.number)
    over = [deploy for deploy in ordered if deploy.terminal]
    active = [deploy for deploy in ordered if deploy.active]
    waiting = [deploy for deploy in ordered if deploy.state is State.PENDING]
    return TargetView(
        name=name,
        active=next(iter(active), None),
        waiting=tuple(waiting[:most]),
        waiting_count=row.count - len(active),
        last=over[-1] if over else None,
        trouble=trouble_of(row.trouble, row.woken, now),
    )
