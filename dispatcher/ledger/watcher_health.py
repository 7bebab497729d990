"""Whether a watcher leads, and what of the cluster it cannot follow: `/readyz` of web answers with it."""

from __future__ import annotations

import msgspec

from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.store import Store


class WatchProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of object in a namespace that cannot be followed."""

    namespace: str
    """"" for all."""
    kind: str
    why: str
    since: int = 0


class WatcherHealth:
    """Written by the watcher that leads, fenced by its token. Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._key = store, store.keys.watch_problems

    def report(self, namespace: str, kind: str, why: str) -> None:
        value = WatchProblem(namespace=namespace, kind=kind, why=why, since=self._store.now())
        self._store.write(("HSET", self._key, f"{namespace} {kind}", encode(value)))

    def resolve(self, namespace: str, kind: str) -> None:
        self._store.write(("HDEL", self._key, f"{namespace} {kind}"))

    def clear(self) -> None:
        """Forgets reports of the former leader: the new one reports again what it cannot follow."""
        self._store.write(("DEL", self._key))

    def has_leader(self) -> bool:
        """Whether a watcher leads."""
        with self._store.redis() as client:
            return bool(client.exists(self._store.keys.leader))

    def problems(self) -> list[WatchProblem]:
        with self._store.redis() as client:
            found = client.hvals(self._key)
        return [decode(raw, WatchProblem) for raw in texts(found)]
