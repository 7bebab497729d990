"""Carries an order out between two entries of the audit log: the order, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from uuid import uuid4

import msgspec
from anyio import to_thread
from starlette.requests import Request

from dispatcher.domain.access import AuditEntry, Verb
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.http.api.requests import Order
from dispatcher.http.permissions import caller_of
from dispatcher.http.responses import ErrorResponse
from dispatcher.ledger import Audit, Store

LONGEST_OUTCOME = 200
"""Characters."""


@dataclass(frozen=True)
class Origin:
    """Where an order came from."""

    caller: str
    address: str

    @classmethod
    def of(cls, request: Request) -> Origin:
        return cls(caller_of(request).name, request.state.address)


class AuditLog:
    """Records orders. Raises LedgerUnavailable, and then nothing was carried out."""

    def __init__(self, store: Store) -> None:
        self._audit, self._now = Audit(store), store.now

    def order(self, origin: Origin, verb: Verb, subject: str, order: Order) -> AuditedOrder:
        """Use it in a `with` block that carries the order out, and set its `outcome` there."""
        entry = AuditEntry(
            order=uuid4().hex,
            at=self._now(),
            caller=origin.caller,
            address=origin.address,
            verb=verb,
            subject=subject,
            by=order.by,
            reason=order.reason,
        )
        return AuditedOrder(entry, self._audit.record, self._now)


class AuditedOrder:
    """An order that is carried out: entering records it, leaving records what came of it."""

    def __init__(
        self, entry: AuditEntry, record: Callable[[AuditEntry], None], now: Callable[[], int]
    ) -> None:
        self._entry, self._record, self._now = entry, record, now
        self.outcome = "done"

    def __enter__(self) -> AuditedOrder:
        self._record(self._entry)
        return self

    async def __aenter__(self) -> AuditedOrder:
        return await to_thread.run_sync(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await to_thread.run_sync(self.__exit__, kind, error, trace)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, LedgerUnavailable):
            return  # it may or may not have been carried out, and nothing can be recorded
        outcome = self.outcome[:LONGEST_OUTCOME] or "nothing"
        if error is not None:
            outcome = error.code if isinstance(error, ErrorResponse) else "internal_error"
        self._record(msgspec.structs.replace(self._entry, at=self._now(), outcome=outcome))
