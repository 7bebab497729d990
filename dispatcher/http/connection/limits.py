"""How many connections are open, and whose: no one sender may hold so many that others find no room.

Pure. A connection whose request has been answered, and which waits for the next, makes room for
one that has something to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from dispatcher.http.client_address import Network, address, group, within

CONNECTIONS, PER_ADDRESS = 1000, 100
"""What is usual."""


class Member(Protocol):
    """A connection."""

    def leave(self) -> None:
        """Ends it. It was told to the crowd to be idle, and counts no longer."""


class Crowd:
    """All connections of a process. What it is asked takes the same time however many there are."""

    def __init__(
        self,
        most: int = CONNECTIONS,
        per_address: int = PER_ADDRESS,
        exempt: Sequence[Network] = (),
    ) -> None:
        """`per_address` is for a group of addresses that one sender may have; 0 is no bound. Those in `exempt`
        speak for many."""
        self._most, self._share, self._exempt = most, per_address, tuple(exempt)
        self._members: dict[Member, str] = {}
        self._counts: Counter[str] = Counter()
        self._idle: dict[Member, None] = {}
        self._idle_of: dict[str, dict[Member, None]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def enter(self, member: Member, peer: str) -> bool:
        """Whether there is room; then it counts until it `goes`. `peer` is an address, or ""."""
        whose = self._whose(peer)
        if whose and self._share and self._counts[whose] >= self._share:
            if not self._make_room(self._idle_of.get(whose, {})):
                return False
        elif len(self._members) >= self._most and not self._make_room(self._idle):
            return False
        self._members[member] = whose
        self._counts[whose] += 1
        return True

    def rests(self, member: Member) -> None:
        """It is idle from now on: all that it asked for is answered."""
        if (whose := self._members.get(member)) is not None:
            self._idle[member] = None
            self._idle_of.setdefault(whose, {})[member] = None

    def works(self, member: Member) -> None:
        """Something has come from it."""
        if member in self._idle:
            del self._idle[member]
            self._forget_idle(member, self._members[member])

    def goes(self, member: Member) -> None:
        """It is closed."""
        self.works(member)
        whose = self._members.pop(member, None)
        if whose is not None:
            self._counts[whose] -= 1
            if not self._counts[whose]:
                del self._counts[whose]

    def _forget_idle(self, member: Member, whose: str) -> None:
        del self._idle_of[whose][member]
        if not self._idle_of[whose]:
            del self._idle_of[whose]

    def _make_room(self, idle: dict[Member, None]) -> bool:
        """By the one that has been idle for longest."""
        longest = next(iter(idle), None)
        if longest is None:
            return False
        self.goes(longest)
        longest.leave()
        return True

    def _whose(self, peer: str) -> str:
        """The group of addresses; "" for those that speak for many."""
        found = address(peer)
        return "" if found is None or within(found, self._exempt) else group(found)
