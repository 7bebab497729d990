"""Reads who paused which targets, for many targets at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dispatcher.domain.pause import Paused
from dispatcher.ledger.codec import decode
from dispatcher.ledger.store import Store


@dataclass(frozen=True)
class Pauses:
    """What is paused: everything, or targets by name."""

    everything: Paused | None = None
    targets: Mapping[str, Paused] = field(default_factory=dict)

    def of(self, target: str) -> Paused | None:
        """The target's own pause, else that of everything."""
        return self.targets.get(target) or self.everything


def read_pauses(store: Store, targets: Sequence[str] = ()) -> Pauses:
    """The pauses of these targets and of everything, in one round trip. Raises LedgerUnavailable."""
    with store.redis() as client:
        pipeline = client.pipeline(transaction=False)
        pipeline.get(store.keys.paused)
        for target in targets:
            pipeline.hget(store.keys.row(target), "paused")
        everything, *own = pipeline.execute()
    return Pauses(
        decode(everything, Paused) if everything else None,
        {name: decode(raw, Paused) for name, raw in zip(targets, own, strict=True) if raw},
    )
