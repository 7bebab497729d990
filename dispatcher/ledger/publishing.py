"""What the leading watcher tells the workers: every target's Job and policies, and how much may run at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from dispatcher.domain.spec import Spec
from dispatcher.ledger.codec import decode
from dispatcher.ledger.events import counted
from dispatcher.ledger.operations import Operations
from dispatcher.ledger.redeployment import Redeploy
from dispatcher.ledger.schedule import Schedule
from dispatcher.ledger.store import Store
from dispatcher.ledger.wakeups import WakeUp

JOB_CHANGED = "its Job has changed"
ALL = "*"
"""Stands for all namespaces together."""


class Publisher:
    """Only a watcher that leads publishes, fenced by its token. Raises LedgerUnavailable and, where it leads
    no more, LeadershipLost: nothing is written from then on."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys
        self._schedule, self._operations = Schedule(store), Operations(store)
        self._gone: set[str] = set()
        """Published targets that the last configuration lacked."""

    def publish(self, specs: Sequence[Spec], removal_grace: int = 0) -> list[WakeUp]:
        """Replaces the published specs. Deploys each target again whose Job has changed, and wakes those whose
        spec has changed and that have an open deploy. Marks missing targets as removed; they count as removed
        after the grace (ms). Returns the wake-ups to enqueue."""
        wanted = {spec.target: spec_json(spec) for spec in specs}
        known = self._store.fields(self._keys.specs)
        changed = {name: json for name, json in wanted.items() if known.get(name) != json}
        self._gone = known.keys() - wanted.keys()
        removed = self._removed([known[name] for name in self._gone], removal_grace)
        written = (changed | removed).items()
        self._store.write(*(("HSET", self._keys.specs, name, json) for name, json in written))
        self._keep_for_good([name for name in changed if name not in known])
        rolled = self._roll_out(specs)
        woken = self._schedule.with_open_deploys([*changed, *removed])
        return rolled + self._schedule.wake(woken, "its configuration is new")

    def published(self) -> dict[str, Spec]:
        """The published specs by target, also those marked as removed."""
        return {
            name: decode(raw, Spec) for name, raw in self._store.fields(self._keys.specs).items()
        }

    def _removed(self, gone: Sequence[str], grace: int) -> dict[str, str]:
        now = self._store.now() if gone else 0
        left = [spec for raw in gone if not (spec := decode(raw, Spec)).removed_at]
        marked = [replace(spec, removed_at=now, removal_grace=grace) for spec in left]
        return {spec.target: spec_json(spec) for spec in marked}

    def _keep_for_good(self, targets: Sequence[str]) -> None:
        """Keeps the history of targets that come back: it was to expire since they were removed."""
        keys = self._keys
        kept = [
            key
            for each in targets
            for key in (keys.row(each), keys.deploys(each), keys.timelines(each))
        ]
        self._store.write(*(("PERSIST", key) for key in kept))

    def _roll_out(self, specs: Sequence[Spec]) -> list[WakeUp]:
        """Deploys each target again whose rendered Job has changed since it was published last."""
        rows = [self._keys.row(spec.target) for spec in specs]
        before = self._store.each(rows, lambda ask, row: ask.hget(row, "digest"))
        known = zip(rows, specs, before, strict=True)
        first = [(row, spec.digest) for row, spec, digest in known if not digest]
        self._store.write(*(("HSETNX", row, "digest", digest) for row, digest in first))
        changed = [(s, d) for s, d in zip(specs, before, strict=True) if d and d != s.digest]
        done = [self._operations.redeploy(_changed(spec, was)) for spec, was in changed]
        return [each.wake_up for each in done if each.wake_up]

    def retire(self, keep_for: int) -> list[str]:
        """Drops the removed targets that have nothing left to do, and returns their names. Their history
        expires after `keep_for` seconds; what happened to them is counted no longer."""
        retired = [name for name in sorted(self._gone) if self._retired(name, keep_for)]
        for name in retired:
            self._store.write(("HDEL", self._keys.counts, *counted(name)))
        self._gone -= set(retired)
        return retired

    def _retired(self, name: str, keep_for: int) -> bool:
        keys = self._keys
        own = keys.row(name), keys.deploys(name), keys.jobs(name)
        mine = (*own, keys.specs, keys.due, keys.open(name), keys.timelines(name))
        return bool(self._store.scripts.run("retire", mine, (name, keep_for)))

    def limit(self, limits: Mapping[str, int]) -> None:
        """Sets how many deploys may run at once: by namespace, "" for all together."""
        wanted = {name or ALL: str(most) for name, most in limits.items()}
        key = self._keys.max_running
        if self._store.fields(key) != wanted:
            self._store.write(("DEL", key), *(("HSET", key, *each) for each in wanted.items()))


def _changed(spec: Spec, was: str) -> Redeploy:
    """The redeploy for a changed Job: made once, even if another watcher publishes the same change."""
    return Redeploy(
        target=spec.target,
        request=f"spec-{uuid4()}",
        note=JOB_CHANGED,
        was=was,
        digest=spec.digest,
    )


def spec_json(spec: Spec) -> str:
    """The text that is published: equal specs have equal texts."""
    return msgspec.json.encode(spec, order="deterministic").decode()
