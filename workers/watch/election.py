"""Leader election among watchers: any number may run, one leads, the others stand by.

Every write of a leader carries its fencing token. A watcher that has lost the leadership therefore writes
nothing, even before it notices.
"""

from __future__ import annotations

import threading

import structlog

from dispatcher.domain.errors import LeadershipLost, LedgerUnavailable
from workers.watch.leader import Leader
from workers.watch.watcher import Watcher

RETRY_SECONDS = 1.0
"""How often a standby tries to acquire the leadership."""

log = structlog.get_logger()


class Election:
    """Run it in the main thread; `stop` may be called from a signal handler."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._stopped = threading.Event()
        self._logged = ""
        """The state that was logged last."""

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Stands by, leads, stands by again, until it is stopped."""
        while not self._stopped.is_set():
            self._watcher.beat("stands by")
            try:
                self._stand()
            except LedgerUnavailable as error:
                if self._is_new("Redis is unavailable"):
                    log.error("Redis is unavailable", reason=str(error))
            self._stopped.wait(RETRY_SECONDS)

    def _stand(self) -> None:
        leads = self._watcher.leadership.acquire()
        state = "leading" if leads else "standing by"
        if self._is_new(state):
            log.info(state)
        if leads:
            self._lead()
            self._logged = ""

    def _is_new(self, state: str) -> bool:
        before, self._logged = self._logged, state
        return state != before

    def _lead(self) -> None:
        leader = Leader(self._watcher)
        self._watcher.telemetry.leading(True)
        try:
            leader.begin()
            while not self._stopped.is_set():
                leader.tick()
        except LeadershipLost as lost:
            log.warning("leadership lost", why=str(lost))
        else:
            self._watcher.leadership.release()
        finally:
            self._watcher.telemetry.leading(False)
            leader.close()
