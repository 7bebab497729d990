"""How many pushes go into one pipeline: as many as Redis records within the time that others can wait.

Pure.
"""

from __future__ import annotations

from collections import deque

BUDGET = 0.015
"""Seconds that one group may take, besides the round trip: what comes meanwhile waits for so long."""
LARGEST = 500
"""Pushes in one group, however fast they are recorded."""
FIRST = 32
"""Pushes in a group as long as larger ones have not been tried lately."""
REMEMBERED = 10
"""Groups by which the next is measured, and single pushes by which the round trip is."""


class GroupSize:
    """Learns from what the last groups took."""

    def __init__(self) -> None:
        self._groups: deque[tuple[int, float]] = deque(maxlen=REMEMBERED)
        self._singles: deque[float] = deque(maxlen=REMEMBERED)

    def note(self, pushes: int, seconds: float) -> None:
        """A group of so many took so long."""
        self._groups.append((pushes, seconds))
        if pushes == 1:
            self._singles.append(seconds)

    @property
    def most(self) -> int:
        """A single one at first; then at most twice what was tried lately, and no more than the budget is
        enough for."""
        if not self._singles:
            return 1
        tried = max((pushes for pushes, _ in self._groups), default=0)
        fits = int(BUDGET / each) if (each := self._each()) > 0 else LARGEST
        return max(1, min(fits, max(FIRST, 2 * tried), LARGEST))

    def _each(self) -> float:
        """Seconds for one push, without the round trip: that is what the fastest of the last single ones took.
        Should it take longer than then, groups get smaller, until there are single pushes again."""
        trip = min(self._singles)
        spent = sum(max(0.0, seconds - trip) for _, seconds in self._groups)
        return spent / max(1, sum(pushes for pushes, _ in self._groups))
