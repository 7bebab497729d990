"""Wake-ups that no worker takes: logged once when that begins, and once when workers take them again.

If no worker runs, or all hang or are busy, no target that is due is reconciled. That is one fault, however
many targets there are, and however often each is woken again meanwhile. When it has lasted for a while, the
ledger has it too, for all who ask how the workers are.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from dispatcher.domain.event import Event, EventKind
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.domain.trouble import UNTAKEN_AFTER
from dispatcher.ledger import Events, Processes, Reader, Schedule, Store, WakeUp

REPEAT_EVERY = 10_000
"""Milliseconds after which the ledger is told again that the fault lasts."""

log = structlog.get_logger()

WHAT = "no worker takes wake-ups: targets are woken again until one does"
LASTS = f"no worker has taken a target up for {UNTAKEN_AFTER // 1000} s"
OVER = "workers take wake-ups again"


class UntakenWakeUps:
    """The untaken wake-ups of one leader. Raises LedgerUnavailable and LeadershipLost."""

    def __init__(self, store: Store) -> None:
        self._store, self._schedule = store, Schedule(store)
        self._processes, self._events = Processes(store), Events(store)
        self._left: set[str] = set()
        """Targets whose wake-up no worker has taken so far."""
        self._reported_at = 0
        """When the ledger was told last that the fault lasts; 0 if it was not."""
        self._recorded = self._begun = False

    def newly_untaken(self, due: Iterable[WakeUp]) -> list[Repair]:
        """The repair to record among targets that were due: for the first untaken
        one, when the fault begins."""
        found = [each.target for each in due if each.found == Kind.UNTAKEN_WAKE_UP]
        self._left |= set(found)
        if not found or self._recorded:
            return []
        self._recorded = True
        return [Repair(kind=Kind.UNTAKEN_WAKE_UP, target=found[0], what=WHAT)]

    def check(self) -> None:
        """Logs once that the fault lasts, and once that workers have taken all of them."""
        self._begin()
        if not self._left:
            return
        waiting = self._schedule.woken(sorted(self._left))
        self._left &= waiting.keys()
        if self._left:
            self._lasts(min(waiting.values()))
        else:
            self._is_over()

    def _begin(self) -> None:
        """A leader before this one may have seen the fault begin: a target that waits for long is not due again
        for minutes."""
        if self._begun:
            return
        woken = [row.target for row in Reader(self._store).rows() if row.woken]
        since, before = self._schedule.woken(woken), self._store.now() - UNTAKEN_AFTER
        self._left |= {target for target, at in since.items() if at <= before}
        self._begun = True

    def _lasts(self, since: int) -> None:
        now = self._store.now()
        if now - since < UNTAKEN_AFTER or now - self._reported_at < REPEAT_EVERY:
            return
        if not self._reported_at:
            log.error(LASTS, targets=len(self._left))
            self._events.add("", Event(kind=EventKind.TROUBLE, at=now, why=LASTS))
        self._reported_at = now
        self._processes.report_untaken(since)

    def _is_over(self) -> None:
        log.info(OVER)
        self._recorded = False
        if self._reported_at:
            self._reported_at = 0
            self._processes.resolve_untaken()
            now = self._store.now()
            self._events.add("", Event(kind=EventKind.RECOVERED, at=now, why=OVER))
