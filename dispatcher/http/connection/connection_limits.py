"""How many connections may be open, in all and from one address: no one sender may hold so many that others
find no room.

Pure. A connection that is idle, since its request has been answered and no other has come, is closed to make
room for one that has something to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from dispatcher.http.client_address import Network, address, group, within

CONNECTIONS, PER_ADDRESS = 1000, 100
"""What is usual."""


class LimitedConnection(Protocol):
    """What is counted."""

    def close_idle(self) -> None:
        """Closes it to make room. It was idle, and counts no longer."""


class ConnectionLimits:
    """The open connections of a process. Each method takes the same time however many there are."""

    def __init__(
        self,
        most: int = CONNECTIONS,
        per_address: int = PER_ADDRESS,
        exempt: Sequence[Network] = (),
    ) -> None:
        """`per_address` is for a group of addresses that one sender may have; 0 is no limit. Those in `exempt`
        speak for many."""
        self._most, self._per_address, self._exempt = most, per_address, tuple(exempt)
        self._open: dict[LimitedConnection, str] = {}
        self._counts: Counter[str] = Counter()
        self._idle: dict[LimitedConnection, None] = {}
        self._idle_of: dict[str, dict[LimitedConnection, None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: LimitedConnection, peer: str) -> bool:
        """Whether there is room; then it counts until it is `closed`. `peer` is an address, or ""."""
        whose = self._whose(peer)
        if whose and self._per_address and self._counts[whose] >= self._per_address:
            if not self._make_room(self._idle_of.get(whose, {})):
                return False
        elif len(self._open) >= self._most and not self._make_room(self._idle):
            return False
        self._open[connection] = whose
        self._counts[whose] += 1
        return True

    def idle(self, connection: LimitedConnection) -> None:
        """All that it asked for has been answered."""
        if (whose := self._open.get(connection)) is not None:
            self._idle[connection] = None
            self._idle_of.setdefault(whose, {})[connection] = None

    def active(self, connection: LimitedConnection) -> None:
        """Something has come from it: it is idle no longer."""
        if connection in self._idle:
            del self._idle[connection]
            self._forget_idle(connection, self._open[connection])

    def closed(self, connection: LimitedConnection) -> None:
        """It is closed."""
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
        """By the one that has been idle for longest."""
        longest = next(iter(idle), None)
        if longest is None:
            return False
        self.closed(longest)
        longest.close_idle()
        return True

    def _whose(self, peer: str) -> str:
        """The group of addresses; "" for those that speak for many."""
        found = address(peer)
        return "" if found is None or within(found, self._exempt) else group(found)
