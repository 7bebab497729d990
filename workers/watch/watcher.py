"""What one watcher process works with, whether it leads or stands by."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from dispatcher.config.reloading import Reloader
from dispatcher.ledger import Leadership, Store, WakeUps
from workers.heartbeat import Beat
from workers.watch.sweeper import WatcherCluster


@dataclass
class Watcher:
    """`election.Election` runs it."""

    store: Store
    wake_ups: WakeUps
    cluster: WatcherCluster
    reloader: Reloader
    instance: str
    beat: Beat = lambda: None
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    """Of this process: stands in the ledger while it leads, and every write of it is compared with that."""
    redis: str = ""
    """Which run of Redis answered when it led last."""

    def __post_init__(self) -> None:
        self.leadership = Leadership(self.store, self.token)
