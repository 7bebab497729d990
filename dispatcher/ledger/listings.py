"""Which namespaces were listed in full into the Redis that answers now: only there may Jobs be created."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.ledger.schedule import Schedule
from dispatcher.ledger.store import Store
from dispatcher.ledger.wakeups import WakeUp

BEGUN = "begun "
"""Prefix of the fields of `Keys.listed` that record that a LIST has begun."""
FIRST_LIST = 2
"""Reply of `listed.lua`: Jobs can be created from now on."""


@dataclass(frozen=True)
class RedisRun:
    """The Redis server that answers now, and whether it holds the cluster's observed state."""

    run_id: str
    """Changes with each restart or failover."""
    listed: frozenset[str]
    """The namespaces that were listed into this run; "" for all at once."""
    has_data: bool
    """Whether a namespace was ever listed into it, in any run: it is not empty."""


class Listings:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._key = store, store.keys.listed

    def begin(self, namespace: str, token: str) -> None:
        """Records that a watcher begins to put a full LIST of the namespace into the Redis that answers now."""
        self._store.scripts.run("listed", (self._key,), (namespace or "*", token, "begun"))

    def complete(self, namespace: str, token: str) -> list[WakeUp] | None:
        """Records that the whole LIST is in the ledger, so that workers may create Jobs in the namespace.
        Returns the wake-ups of the targets that waited for it. Returns None, and records nothing, if Redis has
        lost the beginning of the LIST meanwhile: `listed` then lacks the namespace."""
        key, name = self._key, namespace or "*"
        answer = self._store.scripts.run("listed", (key,), (name, token, "done"))
        if not answer:
            return None
        if answer < FIRST_LIST:
            return []
        return Schedule(self._store).wake_open("the cluster is listed")

    def listed(self) -> set[str]:
        """The namespaces that were listed into the Redis that answers now; "" for all at once."""
        return set(self.redis_run().listed)

    def redis_run(self) -> RedisRun:
        with self._store.redis() as client:
            run_id = client.info("server")["run_id"]
        marks = self._store.fields(self._key)
        known = {name: by for name, by in marks.items() if not name.startswith(BEGUN)}
        listed = {name.removeprefix("*") for name, by in known.items() if by == run_id}
        return RedisRun(run_id, frozenset(listed), bool(known))
