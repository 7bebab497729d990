"""Limits how many connections may be open, in all and from one address, so that no sender locks others out.

Pure. Closes an idle connection (its request has been answered and no other has begun) to make room for a
new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from dispatcher.http.client_address import Network, address, group, within

CONNECTIONS, PER_ADDRESS = 1000, 100
"""The default limits."""


class LimitedConnection(Protocol):
    """A connection that counts against the limits."""

    def close_idle(self) -> None:
        """Closes the idle connection to make room; it no longer counts."""


class ConnectionLimits:
    """The open connections of a process. Each method takes the same time however many there are."""

    def __init__(
        self,
        most: int = CONNECTIONS,
        per_address: int = PER_ADDRESS,
        exempt: Sequence[Network] = (),
    ) -> None:
        """`per_address` limits a group of addresses that one sender controls; 0 for no limit. It does not
        apply to networks in `exempt`, such as proxies, which many clients share."""
        self._most, self._per_address, self._exempt = most, per_address, tuple(exempt)
        self.refused = 0
        """How many were not admitted."""
        self._open: dict[LimitedConnection, str] = {}
        self._counts: Counter[str] = Counter()
        self._idle: dict[LimitedConnection, None] = {}
        self._idle_of: dict[str, dict[LimitedConnection, None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: LimitedConnection, peer: str) -> bool:
        """Whether there is room; then it counts until it is `closed`. `peer` is an address, or ""."""
        whose = self._whose(peer)
        if not self._has_room(whose):
            self.refused += 1
            return False
        self._open[connection] = whose
        self._counts[whose] += 1
        return True

    def _has_room(self, whose: str) -> bool:
        if whose and self._per_address and self._counts[whose] >= self._per_address:
            return self._make_room(self._idle_of.get(whose, {}))
        return len(self._open) < self._most or self._make_room(self._idle)

    def idle(self, connection: LimitedConnection) -> None:
        """Marks it idle: all its requests have been answered."""
        if (whose := self._open.get(connection)) is not None:
            self._idle[connection] = None
            self._idle_of.setdefault(whose, {})[connection] = None

    def active(self, connection: LimitedConnection) -> None:
        """Marks it active: data has arrived from it."""
        if connection in self._idle:
            del self._idle[connection]
            self._forget_idle(connection, self._open[connection])

    def closed(self, connection: LimitedConnection) -> None:
        """Stops counting a closed connection."""
        self.active(connection)
        whose = self._open.pop(connection, None)
        if whose is not None:
            self._counts[whose] -= 1
            if not self._counts[whose]:
                del self._counts[whose]

    def _forget_idle(self, connection: LimitedConnection, whose: str) -> None:
        del self._idle_of[whose][connection]
        if not self._idle_of[whose]:
            del self._idle_of[whose]

    def _make_room(self, idle: dict[LimitedConnection, None]) -> bool:
        """Closes the connection that has been idle longest; False if none is idle."""
        longest = next(iter(idle), None)
        if longest is None:
            return False
        self.closed(longest)
        longest.close_idle()
        return True

    def _whose(self, peer: str) -> str:
        """The group of addresses; "" for exempt ones."""
        found = address(peer)
        return "" if found is None or within(found, self._exempt) else group(found)
