"""Reads of many targets at once what concerns people, without reading their deploys."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.domain.concern import TargetSummary
from dispatcher.domain.deploy import State
from dispatcher.domain.pause import Paused
from dispatcher.domain.trouble import trouble_of
from dispatcher.ledger.codec import decode
from dispatcher.ledger.store import Store

FIELDS = ("trouble", "woken", "outcome", "paused")


def read_summaries(store: Store, names: Sequence[str]) -> list[TargetSummary]:
    """One for each target, in one round trip. Raises LedgerUnavailable."""
    with store.redis() as client:
        pipeline = client.pipeline(transaction=False)
        pipeline.get(store.keys.paused)
        pipeline.time()
        for name in names:
            pipeline.hmget(store.keys.row(name), FIELDS)
        everything, (seconds, micros), *rows = pipeline.execute()
    now = int(seconds) * 1000 + int(micros) // 1000
    all_paused = decode(everything, Paused) if everything else None
    return [_summary(name, row, all_paused, now) for name, row in zip(names, rows, strict=True)]


def _summary(
    name: str, row: Sequence[str | None], everything: Paused | None, now: int
) -> TargetSummary:
    trouble, woken, outcome, paused = row
    state = (outcome or "").split()[1:2]
    return TargetSummary(
        name=name,
        trouble=trouble_of(trouble or "", int(woken or 0), now),
        outcome=State(state[0]) if state else None,
        paused=decode(paused, Paused) if paused else everything,
    )
