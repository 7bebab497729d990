"""Wake-ups that no worker takes up: said once when that begins, and once when it is over.

Workers that are away, or busy with others, leave every target that is due lying: that is one fault, however
many targets there are and however often each is woken again meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import Ledger, WakeUp

log = structlog.get_logger()

WHAT = "no worker takes up wake-ups: targets are woken again until one does"


class Unanswered:
    """Of one watcher while it leads. Raises LedgerUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._left: set[str] = set()
        """Targets that no worker has taken up since it began."""

    def begun(self, due: Iterable[WakeUp]) -> list[Repair]:
        """What is to be told of targets that were due: the first that nobody took up, if that is new."""
        found = [each.target for each in due if each.found == Kind.UNTAKEN_WAKE_UP]
        is_new = bool(found) and not self._left
        self._left |= set(found)
        return [Repair(kind=Kind.UNTAKEN_WAKE_UP, target=found[0], what=WHAT)] if is_new else []

    def look(self) -> None:
        """Says it when all have been taken up."""
        if not self._left:
            return
        self._left &= set(self._ledger.woken(sorted(self._left)))
        if not self._left:
            log.info("workers take up wake-ups again")
