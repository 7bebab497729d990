"""Wake-ups that no worker takes: logged once when that begins, and once when workers take them again.

If no worker runs, or all are busy, no target that is due is reconciled. That is one fault, however many targets
there are, and however often each is woken again meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import Schedule, WakeUp

log = structlog.get_logger()

WHAT = "no worker takes wake-ups: targets are woken again until one does"


class UntakenWakeUps:
    """The untaken wake-ups of one leader. Raises LedgerUnavailable."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._left: set[str] = set()
        """Targets whose wake-up no worker has taken so far."""

    def newly_untaken(self, due: Iterable[WakeUp]) -> list[Repair]:
        """The repair to record among targets that were due: for the first untaken
        one, when the fault begins."""
        found = [each.target for each in due if each.found == Kind.UNTAKEN_WAKE_UP]
        is_new = bool(found) and not self._left
        self._left |= set(found)
        return [Repair(kind=Kind.UNTAKEN_WAKE_UP, target=found[0], what=WHAT)] if is_new else []

    def check(self) -> None:
        """Logs once workers have taken all of them."""
        if not self._left:
            return
        self._left &= set(self._schedule.woken(sorted(self._left)))
        if not self._left:
            log.info("workers take wake-ups again")
