"""Renames targets: moves all that the ledger has of a target to its new name, in one script.

A target has one row at any time. A push under its other name, the former one or the one that it is yet to get,
is redirected to that row: see `submit.lua`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from dispatcher.domain.current_name import CurrentName
from dispatcher.domain.spec import Spec
from dispatcher.ledger.connection import texts
from dispatcher.ledger.publishing import spec_json
from dispatcher.ledger.store import Store
from dispatcher.ledger.wakeups import WakeUp

PAGE = 5_000
"""How many keys Redis looks at in one step of a SCAN."""


class RenameResult(StrEnum):
    """What came of a rename."""

    RENAMED = "renamed"
    HELD = "held"  # a worker holds a lease on one of the two names: try again
    USED = "used"  # the new name has a history of its own, or another target has this one


@dataclass(frozen=True)
class Rename:
    """The result of a rename, and the wake-up to enqueue."""

    result: RenameResult
    wake_up: WakeUp | None = None


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `rename.lua`; its header documents each."""

    old: str
    new: str
    spec: str
    grace: int


class Renaming:
    """Used by the leading watcher, fenced by its token. Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def names(self) -> dict[str, CurrentName]:
        """Former name -> current name, of every target that was renamed."""
        found = self._store.fields(self._keys.renamed)
        return {former: _present(value) for former, value in found.items()}

    def left_behind(self, names: Sequence[str]) -> list[str]:
        """Those of the names that have a row, in one round trip."""
        found = self._store.each(map(self._keys.row, names), lambda ask, row: ask.exists(row))
        return [name for name, there in zip(names, found, strict=True) if there]

    def rename(self, old: str, spec: Spec) -> Rename:
        """Moves all of `old` to the target of `spec`, and publishes the spec. Can be repeated safely."""
        new = spec.target
        reply = self._store.scripts.run(
            "rename",
            (
                *self._shared(),
                *self._own(old),
                *self._own(new),
                self._keys.deploy_index,
                *self._pairs(old, new),
            ),
            (
                Arguments(
                    old=old, new=new, spec=spec_json(spec), grace=self._store.timeouts.wake_up
                ),
            ),
        )
        result, number = RenameResult(reply[0]), int(reply[1])
        return Rename(result, WakeUp(new, number, f"it was {old}") if number else None)

    def forget(self, names: Sequence[str]) -> None:
        """Forgets former names: from now on they belong to other targets, or to none."""
        self._store.write(*(("HDEL", self._keys.renamed, name) for name in names))

    def _shared(self) -> tuple[str, ...]:
        keys = self._keys
        first = (keys.renamed, keys.specs, keys.due, keys.busy)
        return (*first, keys.running, keys.waiting, keys.waiters)

    def _own(self, target: str) -> tuple[str, ...]:
        keys = self._keys
        own = (keys.row(target), keys.deploys(target), keys.jobs(target))
        return (*own, keys.open(target), keys.timelines(target))

    def _pairs(self, old: str, new: str) -> Iterator[str]:
        """The keys of which a target can have many: each key of the old name, followed by that of the new."""
        ours, theirs = self._scattered(old), self._scattered(new)
        for kind, rest in sorted({*ours, *theirs}):
            yield self._keys.scattered(old)[kind] + rest
            yield self._keys.scattered(new)[kind] + rest

    def _scattered(self, target: str) -> set[tuple[int, str]]:
        """The existing keys of these kinds: the kind, and the rest of the key."""
        beginnings = self._keys.scattered(target)
        pattern = f"{self._keys.prefix}*:{target}:*"
        with self._store.redis() as client:
            found = texts(client.scan_iter(match=pattern, count=PAGE))
        return {
            (kind, key.removeprefix(beginning))
            for key in found
            for kind, beginning in enumerate(beginnings)
            if key.startswith(beginning)
        }


def _present(value: str) -> CurrentName:
    name, _, since = value.partition(" ")
    return CurrentName(name, int(since or 0))
