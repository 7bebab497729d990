"""The newest deploys of all targets, by when they were created: read in parts, however many there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.domain.deploy import Deploy
from dispatcher.ledger.codec import decode
from dispatcher.ledger.store import Store

POSITION = re.compile(r"\d{1,16}\.\d{3}")


@dataclass(frozen=True)
class IndexedDeploy:
    """A deploy of the index."""

    position: str
    """Where it stands: when it was created (ms), with a fraction that no other has."""
    target: str
    number: int


class DeployIndex:
    """May list deploys that the ledger no longer has: of removed targets. Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def before(
        self, position: str, most: int, *, since: int = 0, until: int = 0
    ) -> list[IndexedDeploy]:
        """The deploys in front of that position, newest first, at most so many; "" is behind the newest.
        Only those created at `since` or later and before `until` (ms, 0 for any time)."""
        ends = [float(each) for each in (position, until) if each]
        end = f"({min(ends):.3f}" if ends else "+inf"
        with self._store.redis() as client:
            found: Any = client.zrange(
                self._keys.deploy_index,
                end,  # "(" excludes: https://redis.io/docs/latest/commands/zrange/
                since,
                desc=True,
                byscore=True,
                withscores=True,
                offset=0,
                num=most,
            )
        return [_indexed(entry, score) for entry, score in found]

    def deploys(self, indexed: Sequence[IndexedDeploy]) -> list[Deploy | None]:
        """These deploys, in one round trip; None for one that the ledger no longer has."""
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for each in indexed:
                pipeline.hget(self._keys.deploys(each.target), str(each.number))
            found = pipeline.execute()
        return [decode(raw, Deploy) if raw else None for raw in found]


def _indexed(entry: str, score: float) -> IndexedDeploy:
    target, _, number = entry.partition(" ")
    return IndexedDeploy(f"{score:.3f}", target, int(number))
