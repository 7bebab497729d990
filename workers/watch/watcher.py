"""What a watcher process works with, whether it leads or stands by."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from dispatcher.config.reloading import Reloader
from dispatcher.ledger import Leadership, Store, WakeUps
from workers.heartbeat import Beat
from workers.logs.relays import LogAccess
from workers.watch.sweeper import WatcherCluster
from workers.watch.telemetry import Telemetry, Unobserved


@dataclass
class Watcher:
    """`election.Election` runs it."""

    store: Store
    wake_ups: WakeUps
    cluster: WatcherCluster
    reloader: Reloader
    instance: str
    beat: Beat = lambda _: None
    remind_after: int = 86400
    """Seconds between two reminders of a pause; 0 for none."""
    logs: LogAccess | None = None
    """Without it no logs are relayed."""
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    """The fencing token of this process: every write of a leader compares it with the one in the ledger."""
    telemetry: Telemetry = field(default_factory=Unobserved)
    open_store: Callable[[], Store] | None = None
    """Makes a store with a client of its own, for one that waits for events; None if nobody is notified."""
    redis: str = ""
    """The `run_id` of the Redis that answered when this process led last."""

    def __post_init__(self) -> None:
        self.leadership = Leadership(self.store, self.token)
