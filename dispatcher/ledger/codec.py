"""The ledger's values as JSON text."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from dispatcher.domain.errors import LedgerCorrupt

T = TypeVar("T")


def encode(value: msgspec.Struct) -> str:
    """Equal values have equal texts, which compare-and-set relies on."""
    return msgspec.json.encode(value, order="deterministic").decode()


def decode(raw: str, kind: type[T]) -> T:
    """Raises LedgerCorrupt."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise LedgerCorrupt(
            f"the ledger holds a {kind.__name__} that cannot be read: {error}"
        ) from error
