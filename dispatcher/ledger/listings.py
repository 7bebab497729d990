"""Which namespaces were listed in full into the Redis that answers now: only there may Jobs be created."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.ledger.schedule import Schedule
from dispatcher.ledger.store import Store
from dispatcher.ledger.wakeups import WakeUp

BEGUN = "begun "
"""Begins the fields of `Keys.listed` that say that a LIST has begun."""
FIRST_LIST = 2
"""Reply of `listed.lua`: Jobs can be created from now on."""


@dataclass(frozen=True)
class RedisRun:
    """The Redis server that answers now, and whether it holds the cluster's observed state."""

    run_id: str
    """Another one after a restart or a failover."""
    listed: frozenset[str]
    """The namespaces that were listed into this very run of it; "" for all at once."""
    has_data: bool
    """Some namespace was listed into it, in whichever run: it is not empty."""


class Listings:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._key = store, store.keys.listed

    def begin(self, namespace: str, token: str) -> None:
        """A full LIST of the namespace will be put into the Redis that answers now."""
        self._store.scripts.run("listed", (self._key,), (namespace or "*", token, "begun"))

    def complete(self, namespace: str, token: str) -> list[WakeUp] | None:
        """All of that LIST is in: Jobs may be created there. Wakes who waited. None, and nothing is noted,
        where what was put in first is lost by now: it shows in `listed`."""
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
