"""Reads all targets at once, as little of each as an overview needs: thousands in a moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.pause import Paused
from dispatcher.domain.trouble import trouble_of
from dispatcher.ledger.codec import decode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.store import Store

RECENT = 12
"""Newest deploys of a target that are read as its recent ones."""
OPEN = 10
"""Most open deploys of a target that are read: those that come next."""
AT_ONCE = 1_000
"""Targets in one round trip."""


class RecentDeploy(msgspec.Struct, frozen=True, kw_only=True):
    """What of a deploy a spark line shows."""

    number: int
    state: State
    created_at: int = 0
    started_at: int = 0
    ended_at: int = 0


@dataclass(frozen=True, kw_only=True)
class Glance:
    """A target, as an overview of all counts and sorts it."""

    name: str
    trouble: str
    """What holds it up, also that no worker takes it up; "" for nothing."""
    paused: Paused | None
    open: tuple[Deploy, ...]
    """The deploys that are not over, oldest first, at most `OPEN`."""
    open_count: int
    ended: Deploy | None
    """The newest deploy that is over, unless it succeeded; with `everything`, whatever it is."""


class Overview:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def glances(self, names: Sequence[str], *, everything: bool = False) -> list[Glance]:
        """With `everything` each has its newest deploy that is over, also where that succeeded."""
        return [
            glance
            for first in range(0, len(names), AT_ONCE)
            for glance in self._glances(names[first : first + AT_ONCE], everything=everything)
        ]

    def recent(self, names: Sequence[str]) -> list[list[RecentDeploy]]:
        """The newest deploys of each, oldest first."""
        keys = self._keys
        rows = self._store.each(map(keys.row, names), lambda ask, row: ask.hget(row, "seq"))
        numbers = [_newest(int(seq or 0)) for seq in rows]
        wanted = [(name, few) for name, few in zip(names, numbers, strict=True) if few]
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for name, few in wanted:
                pipeline.hmget(keys.deploys(name), few)
            found = dict(zip((name for name, _ in wanted), pipeline.execute(), strict=True))
        return [[decode(raw, RecentDeploy) for raw in found.get(name, ()) if raw] for name in names]

    def _glances(self, names: Sequence[str], *, everything: bool) -> list[Glance]:
        keys = self._keys
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for name in names:
                pipeline.hmget(keys.row(name), _Row.FIELDS)
                pipeline.hvals(keys.open(name))
            pipeline.time()
            *replies, (seconds, micros) = pipeline.execute()
            now = int(seconds) * 1000 + int(micros) // 1000
            rows = [
                _Row.of(row, open_, everything=everything)
                for row, open_ in zip(replies[::2], replies[1::2], strict=True)
            ]
            read = [(name, row.read) for name, row in zip(names, rows, strict=True) if row.read]
            for name, numbers in read:
                pipeline.hmget(keys.deploys(name), numbers)
            found = dict(zip((name for name, _ in read), pipeline.execute(), strict=True))
        return [
            row.glance(name, found.get(name, ()), now)
            for name, row in zip(names, rows, strict=True)
        ]


@dataclass(frozen=True)
class _Row:
    FIELDS: ClassVar[tuple[str, ...]] = ("trouble", "woken", "paused", "ended", "succeeded")

    trouble: str
    woken: int
    """Since when a wake-up waits for a worker (ms), 0 for none."""
    paused: str
    open: list[str]
    ended: str

    @classmethod
    def of(cls, row: Sequence[str | None], open_: Iterable[Any], *, everything: bool) -> _Row:
        trouble, woken, paused, ended, succeeded = (field or "" for field in row)
        ordered = sorted(" ".join(texts(open_)).split(), key=int)
        shown = ended if everything or ended != succeeded else ""
        return cls(trouble, int(woken or 0), paused, ordered, shown)

    @property
    def read(self) -> list[str]:
        return [*self.open[:OPEN], *([self.ended] if self.ended else [])]

    def glance(self, name: str, raw: Iterable[str | None], now: int) -> Glance:
        deploys = [decode(each, Deploy) for each in raw if each]
        over = [deploy for deploy in deploys if deploy.terminal]
        trouble = trouble_of(self.trouble, self.woken, now)
        return Glance(
            name=name,
            trouble=trouble.text if trouble else "",
            paused=decode(self.paused, Paused) if self.paused else None,
            open=tuple(deploy for deploy in deploys if not deploy.terminal),
            open_count=len(self.open),
            ended=over[-1] if over else None,
        )


def _newest(seq: int) -> list[str]:
    return [str(number) for number in range(max(1, seq - RECENT + 1), seq + 1)]
