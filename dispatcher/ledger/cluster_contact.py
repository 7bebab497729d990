"""Whether the leading watcher can follow the cluster: told to those who ask web whether all is well."""

from __future__ import annotations

import msgspec

from dispatcher.ledger.connection import texts
from dispatcher.ledger.snapshot import decode
from dispatcher.ledger.store import Store


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of object in a namespace that cannot be followed."""

    namespace: str
    """"" for all."""
    kind: str
    why: str
    since: int = 0


class Contact:
    """Written by the watcher that leads, fenced by its token. Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._key = store, store.keys.contact

    def lost(self, namespace: str, kind: str, why: str) -> None:
        value = Lost(namespace=namespace, kind=kind, why=why, since=self._store.now())
        json = msgspec.json.encode(value).decode()
        self._store.write(("HSET", self._key, f"{namespace} {kind}", json))

    def found(self, namespace: str, kind: str) -> None:
        self._store.write(("HDEL", self._key, f"{namespace} {kind}"))

    def begin(self) -> None:
        """Another watcher leads and says anew what it cannot follow."""
        self._store.write(("DEL", self._key))

    def led(self) -> bool:
        """Whether a watcher leads."""
        with self._store.redis() as client:
            return bool(client.exists(self._store.keys.leader))

    def troubles(self) -> list[Lost]:
        with self._store.redis() as client:
            found = client.hvals(self._key)
        return [decode(raw, Lost) for raw in texts(found)]
