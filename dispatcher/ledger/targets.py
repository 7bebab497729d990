"""What a worker does to one target: lease it and read it, record what became of it, let it go."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dispatcher.domain.errors import LeaseLost
from dispatcher.domain.model import Deploy, ObservedJob
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.snapshot import Leased, Recorded, snapshot
from dispatcher.ledger.store import Store


class Targets:
    """Every method is one round trip and raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    @property
    def lease(self) -> int:
        """Milliseconds for which a target is leased."""
        return self._store.retention.lease

    def acquire(self, target: str, token: str) -> Snapshot | Leased:
        """Leases the target to `token` and reads it; again with the same token reads it anew."""
        keys = self._keys
        reply = self._store.scripts.run(
            "acquire",
            (
                keys.row(target),
                keys.deploys(target),
                keys.jobs(target),
                keys.specs,
                keys.due,
                keys.listed,
                keys.paused,
                keys.max_running,
                keys.running,
                keys.open(target),
            ),
            (target, token, self.lease),
        )
        return Leased(reply[1]) if reply[0] == 0 else snapshot(target, reply)

    def record(
        self,
        seen: Snapshot,
        token: str,
        *,
        deploys: Sequence[Deploy] = (),
        new_jobs: Sequence[ObservedJob] = (),
        dropped_jobs: Sequence[str] = (),
        release: bool = False,
        due_at: int | None = None,
        trouble: str = "",
        slot: str = "",
        waits: bool = False,
        vain: int = 0,
    ) -> Recorded:
        """Writes deploys, compare-and-set; keeps the lease, or with `release` lets it go until `due_at`.

        `slot` is the namespace of the deploy that has a concurrency slot, `waits` says that the target stands
        in line for one, `vain` how many looks in a row came to nothing by the cluster's fault.
        Raises LeaseLost when another holds the target by now. `check_transition` is the caller's to ask,
        step by step: several steps can be written at once.
        """
        ending: str | int = "keep" if not release else "" if due_at is None else due_at
        keys = self._keys
        reply = self._store.scripts.run(
            "record",
            (
                *row_keys(keys, seen.target),
                keys.running,
                keys.waiting,
                keys.waiters,
                keys.paused,
                keys.open(seen.target),
            ),
            (
                seen.target,
                token,
                self.lease,
                str(seen.version),
                ending,
                trouble,
                self._store.retention.history,
                slot,
                int(waits),
                vain,
                *_deploy_args(seen, deploys),
                *_job_args(new_jobs, dropped_jobs),
            ),
        )
        if reply == "lost":
            raise LeaseLost(f"another worker holds {seen.target} by now")
        return Recorded(reply)


def row_keys(keys: Keys, target: str) -> tuple[str, ...]:
    """What every script takes first that changes a target's row."""
    return keys.row(target), keys.deploys(target), keys.jobs(target), keys.due, keys.busy


def _deploy_args(seen: Snapshot, deploys: Sequence[Deploy]) -> list[str | int]:
    args: list[str | int] = [len(deploys)]
    for deploy in deploys:
        args += [
            deploy.number,
            seen.read.get(deploy.number, ""),
            msgspec.json.encode(deploy).decode(),
        ]
    return args


def _job_args(new: Sequence[ObservedJob], dropped: Sequence[str]) -> list[str | int]:
    args: list[str | int] = [len(new) + len(dropped)]
    for observed in new:
        args += [
            f"{observed.namespace}/{observed.job}",
            "new",
            msgspec.json.encode(observed).decode(),
        ]
    for name in dropped:
        args += [name, "drop", ""]
    return args
