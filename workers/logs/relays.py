"""The relays of the leading watcher: one for each log that somebody reads, and no more at once than may be.

Two threads serve them all: one waits for requests of readers and for events of deploys, the other writes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import structlog

from dispatcher.domain.errors import LeadershipLost, LedgerUnavailable
from dispatcher.domain.log import LogEnd, LogName, LogPart, LogRequest
from dispatcher.ledger import Leadership, LogNews, LogRequests, Reader, RelayedLogs
from workers.logs.outlet import Outlet
from workers.logs.relay import LogSource, Relay
from workers.logs.writer import LogWriter

WAIT_SECONDS = 5.0
"""How long one call waits for requests."""
KEEP_EVERY = 3
"""So many calls apart, relayed logs in which nothing happens are kept alive."""
RETRY_SECONDS = 1.0

log = structlog.get_logger()


@dataclass(frozen=True)
class LogAccess:
    """What relays work with."""

    requests: LogRequests
    cluster: LogSource
    most: int
    """How many logs are relayed at once."""


class Relays:
    """Of one leader. `start` it, tell it what has changed, `stop` it."""

    def __init__(self, access: LogAccess, leadership: Leadership, instance: str) -> None:
        store = leadership.store
        self._requests, self._cluster, self._instance = access.requests, access.cluster, instance
        self._most, self._interest = access.most, store.timeouts.reader / 1000
        self._logs, self._deploys = RelayedLogs(store), Reader(store)
        self._relays: dict[LogName, Relay] = {}
        self._ended: OrderedDict[LogName, None] = OrderedDict()
        """Logs that are not relayed any more and may still be kept, oldest first."""
        self._condition = threading.Condition()
        self._stopped = threading.Event()
        self._writer = LogWriter(self._logs, self._condition, self._outlets)
        self._thread = threading.Thread(target=self._run, name="log-requests", daemon=True)

    def start(self) -> None:
        self._writer.start()
        self._thread.start()

    def stop(self) -> None:
        """Their threads end soon after."""
        self._stopped.set()
        with self._condition:
            relays = list(self._relays.values())
        for relay in relays:
            relay.stop()
        self._writer.stop()

    def look(self) -> None:
        """Jobs or Pods have changed."""
        with self._condition:
            relays = list(self._relays.values())
        for relay in relays:
            relay.look()

    def _outlets(self) -> list[Outlet]:
        return [relay.outlet for relay in self._relays.values()]

    def _run(self) -> None:
        begun, rounds = False, 0
        while not self._stopped.is_set():
            try:
                if not begun:
                    self._requests.begin()
                    begun = True
                self._handle(self._requests.wait(int(WAIT_SECONDS * 1000)))
                rounds += 1
                self._tidy(keep=rounds % KEEP_EVERY == 0)
            except LedgerUnavailable as away:
                log.warning("requests for logs wait for Redis", why=str(away))
                self._stopped.wait(RETRY_SECONDS)
            except LeadershipLost:  # whoever leads now relays
                self.stop()

    def _handle(self, news: LogNews) -> None:
        for request in news.requests:
            self._heard(request)
        for name, relay in list(self._relays.items()):
            if (name.target, name.number) in news.changed:
                relay.look()

    def _heard(self, request: LogRequest) -> None:
        relay = self._relays.get(request.log)
        if relay and relay.is_over and relay.outlet.is_drained:
            self._remove(relay)
            relay = None
        if relay is None and not request.leaves:
            relay = self._begin(request.log)
        if relay:
            relay.outlet.heard(request)

    def _begin(self, name: LogName) -> Relay | None:
        """None where it was relayed to its end, or no more logs may be relayed."""
        last = self._logs.last(name)
        if last and last.end:
            if last.end.lasts:
                return None
            self._logs.drop(name)
            last = None
        if len(self._relays) >= self._most:
            why = f"{self._most} logs are being relayed, and no more may be at once"
            self._logs.append([(name, LogPart(end=LogEnd.BUSY, why=why))])
            self._forget(name)
            return None
        return self._start(name, last or LogPart())

    def _start(self, name: LogName, last: LogPart) -> Relay:
        outlet = Outlet(name, self._condition, self._logs.bounds.bytes, last)
        relay = Relay(outlet, self._cluster, self._deploys, self._instance, last)
        with self._condition:
            self._relays[name] = relay
        self._ended.pop(name, None)
        relay.start()
        log.info("log is relayed", deploy=name.deploy, container=name.container or "all")
        return relay

    def _tidy(self, *, keep: bool) -> None:
        """Ends the relays that nobody reads any more, and keeps the others' logs alive."""
        for name, relay in list(self._relays.items()):
            unread = relay.outlet.silent_for() > self._interest
            if unread:
                relay.stop()
            if relay.is_over and (unread or relay.outlet.is_drained):
                self._remove(relay)
                log.info("log is not relayed any more", deploy=name.deploy, unread=unread)
        if keep:
            self._logs.keep(list(self._relays))

    def _remove(self, relay: Relay) -> None:
        with self._condition:
            del self._relays[relay.name]
        self._forget(relay.name)

    def _forget(self, name: LogName) -> None:
        """Keeps the newest of those that have ended, for readers that come back."""
        self._ended[name] = None
        self._ended.move_to_end(name)
        while len(self._ended) > self._most:
            oldest, _ = self._ended.popitem(last=False)
            self._logs.drop(oldest)
