"""Reminds of pauses that somebody may have forgotten: each is logged once a day, or as often as is set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import structlog

from dispatcher.domain.pause import Paused
from dispatcher.domain.trouble import pause_trouble
from dispatcher.ledger import Publisher, Store, read_pauses

LOOK_EVERY = 60.0
"""Seconds."""

log = structlog.get_logger()


class PauseReminders:
    """The reminders of one leader. Raises LedgerUnavailable."""

    def __init__(
        self, store: Store, remind_after: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`remind_after`: seconds between two reminders of a pause; 0 for none."""
        self._store, self._every, self._clock = store, remind_after, clock
        self._due = clock()
        self._logged: dict[tuple[str, int], int] = {}
        """Target, and when it was paused -> how many reminders were due when it was logged last."""

    def look(self) -> None:
        if not self._every or self._clock() < self._due:
            return
        self._due = self._clock() + LOOK_EVERY
        now = self._store.now()
        found = {(name, paused.at): paused for name, paused in self._paused()}
        logged = {key: times for key, times in self._logged.items() if key in found}
        for (name, at), paused in found.items():
            times = (now - at) // (self._every * 1000)
            if times > logged.get((name, at), 0):
                self._remind(name, paused, now)
                logged[name, at] = times
        self._logged = logged

    def _paused(self) -> Iterator[tuple[str, Paused]]:
        pauses = read_pauses(self._store, sorted(Publisher(self._store).published()))
        if pauses.everything:
            yield "everything", pauses.everything
        yield from pauses.targets.items()

    def _remind(self, name: str, paused: Paused, now: int) -> None:
        if trouble := pause_trouble(paused, self._every, now):
            log.warning("still paused", target=name, why=trouble.text)
