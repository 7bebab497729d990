"""A request's headers as they were sent, repeated ones included. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeAlias

from dispatcher.webhooks.results import Rejection

RawHeaders: TypeAlias = Iterable[tuple[bytes, bytes]]
"""(name, value) pairs as ASGI has them."""

_PLAIN = re.compile(rb"[\x20-\x7e]{0,256}")


class Headers:
    """Looks headers up by case-insensitive name, and never picks one of several silently."""

    __slots__ = ("_values",)

    def __init__(self, pairs: RawHeaders) -> None:
        values: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for name, value in pairs:
            values[name.lower()].append(value)
        self._values = dict(values)

    def all(self, name: str) -> list[bytes]:
        return self._values.get(name.lower().encode(), [])

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    def text(self, name: str) -> str:
        """The value, or "" if the header is missing. Raises Rejection for a repeated or unreadable one."""
        values = self.all(name)
        if len(values) > 1:
            raise Rejection(400, "repeated_header", f"{name} was sent more than once: send it once")
        if not values:
            return ""
        value = values[0].strip()
        if not _PLAIN.fullmatch(value):
            raise Rejection(
                400,
                "malformed_header",
                f"{name} must be at most 256 printable ASCII characters",
            )
        return value.decode("ascii")

    def required(self, name: str, remedy: str) -> str:
        value = self.text(name)
        if not value:
            raise Rejection(400, "missing_header", f"{name} is missing: {remedy}")
        return value
