"""How many pushes go into one pipeline: as many as Redis records within the time that others can wait.

Pure.
"""

from __future__ import annotations

from collections import deque

BUDGET = 0.015
"""Seconds that one group may take besides the round trip: pushes that arrive meanwhile wait that long."""
LARGEST = 500
"""Most pushes in one group, however fast Redis records them."""
FIRST = 32
"""Most pushes in a group until recent groups were larger than half of it."""
REMEMBERED = 10
"""How many recent groups the estimate of the next uses, and how many single pushes that of the round trip."""


class GroupSize:
    """Estimates the next group's size from how long recent groups took."""

    def __init__(self) -> None:
        self._groups: deque[tuple[int, float]] = deque(maxlen=REMEMBERED)
        self._singles: deque[float] = deque(maxlen=REMEMBERED)

    def note(self, pushes: int, seconds: float) -> None:
        """Records how long a group of this many pushes took."""
        self._groups.append((pushes, seconds))
        if pushes == 1:
            self._singles.append(seconds)

    @property
    def most(self) -> int:
        """Most pushes of the next group: 1 at first, then at most FIRST or twice the largest recent group, and
        no more than fit into the budget."""
        if not self._singles:
            return 1
        tried = max((pushes for pushes, _ in self._groups), default=0)
        fits = int(BUDGET / each) if (each := self._each()) > 0 else LARGEST
        return max(1, min(fits, max(FIRST, 2 * tried), LARGEST))

    def _each(self) -> float:
        """Seconds for one push, without the round trip, which counts as long as the fastest recent single push.
        If the round trip gets slower, groups shrink until single pushes measure it again."""
        trip = min(self._singles)
        spent = sum(max(0.0, seconds - trip) for _, seconds in self._groups)
        return spent / max(1, sum(pushes for pushes, _ in self._groups))
