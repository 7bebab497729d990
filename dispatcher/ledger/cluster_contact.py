"""Whether the leading watcher can follow the cluster: told to those who ask web whether all is well."""

from __future__ import annotations

import msgspec

from dispatcher.ledger.connection import texts, translated
from dispatcher.ledger.ledger import Ledger
from dispatcher.ledger.snapshot import decode


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of object in a namespace that cannot be followed."""

    namespace: str
    """"" for all."""
    kind: str
    why: str
    since: int = 0


class Contact:
    """Written by the watcher that leads, with the ledger that it is `leading`. Raises LedgerUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._key, self._client = ledger, ledger.keys.contact, ledger.client

    def lost(self, namespace: str, kind: str, why: str) -> None:
        value = Lost(namespace=namespace, kind=kind, why=why, since=self._ledger.now())
        json = msgspec.json.encode(value).decode()
        self._ledger.write(("HSET", self._key, f"{namespace} {kind}", json))

    def found(self, namespace: str, kind: str) -> None:
        self._ledger.write(("HDEL", self._key, f"{namespace} {kind}"))

    def begin(self) -> None:
        """Another watcher leads and says anew what it cannot follow."""
        self._ledger.write(("DEL", self._key))

    def led(self) -> bool:
        """Whether a watcher leads."""
        with translated(self._client):
            return bool(self._client.exists(self._ledger.keys.leader))

    def troubles(self) -> list[Lost]:
        with translated(self._client):
            found = self._client.hvals(self._key)
        return [decode(raw, Lost) for raw in texts(found)]
