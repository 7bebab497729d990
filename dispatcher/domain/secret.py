"""A secret. Values only; `repr` and `str` never show one."""

from __future__ import annotations

import hmac


class Secret:
    """Secret bytes. `repr` and `str` show only where they came from."""

    __slots__ = ("_value", "source")

    def __init__(self, value: bytes, source: str = "given") -> None:
        self._value = value
        self.source = source

    def reveal(self) -> bytes:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.source})"

    def __eq__(self, other: object) -> bool:
        """For noticing a changed setting. `authentication` compares what a Git host presents."""
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)
