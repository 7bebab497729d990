"""Every order of a person or a program: who, when, what, why, and what came of it.

An order is recorded before it is carried out, so that none is carried out unrecorded; its outcome is recorded
after that. An order without an outcome: the process ended in between, and the order may have been carried out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dispatcher.domain.access import AuditEntry
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.store import Store

SOON = 200
"""Entries that may stand between an order and its outcome where a page ends between the two."""


class Audit:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def record(self, entry: AuditEntry) -> None:
        keep = self._store.retention.audit
        self._store.write(("XADD", self._keys.audit, "MAXLEN", "~", keep, "*", "e", encode(entry)))

    def before(self, id: str, most: int) -> list[tuple[str, AuditEntry]]:
        """Entries in front of that id, newest first, each with its id; "" is behind the newest."""
        end = f"({id}" if id else "+"
        with self._store.redis() as client:
            found: Any = client.xrevrange(self._keys.audit, max=end, count=most)
        return [(id, decode(fields["e"], AuditEntry)) for id, fields in found]

    def _outcomes_behind(self, id: str) -> dict[str, str]:
        """By order: the outcome of an order is recorded soon after it, with those of others in between."""
        with self._store.redis() as client:
            found: Any = client.xrange(self._keys.audit, min=f"({id}", count=SOON)
        entries = (decode(fields["e"], AuditEntry) for _, fields in found)
        return {each.order: each.outcome for each in entries if each.outcome}

    def orders(self, id: str, most: int) -> tuple[list[AuditEntry], str]:
        """Orders with their outcomes, newest first, and the id to go on from; "" where there are no more."""
        orders: list[AuditEntry] = []
        outcomes = self._outcomes_behind(id) if id else {}
        while True:
            page = self.before(id, 2 * most)
            for id, entry in page:
                if entry.outcome:
                    outcomes[entry.order] = entry.outcome
                    continue
                outcome = outcomes.pop(entry.order, "")
                orders.append(msgspec.structs.replace(entry, outcome=outcome))
                if len(orders) == most:
                    return orders, id
            if len(page) < 2 * most:
                return orders, ""
