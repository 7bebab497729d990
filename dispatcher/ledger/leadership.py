"""Leader election among watchers: a token in Redis that expires, and that fences all that its holder writes."""

from __future__ import annotations

from contextlib import suppress

from dispatcher.domain.errors import LeadershipLost
from dispatcher.ledger.store import Store


class Leadership:
    """One watcher's candidacy. Raises LedgerUnavailable."""

    def __init__(self, store: Store, token: str) -> None:
        self._store = store
        self.token = token
        self.store = store.fenced(token)
        """The fenced store through which the leader writes."""

    def acquire(self) -> bool:
        """Becomes the leader, or stays it; False while another watcher leads."""
        return self._elect(self._store)

    def renew(self) -> None:
        """Raises LeadershipLost."""
        self._elect(self.store)

    def release(self) -> None:
        """Gives the leadership up at once, so that a watcher that stands by need not wait."""
        with suppress(LeadershipLost):  # another watcher leads by now
            self.store.write(("DEL", self._store.keys.leader))

    def _elect(self, store: Store) -> bool:
        keys, args = (store.keys.leader,), (self.token, store.timeouts.leadership)
        return bool(store.scripts.run("lead", keys, args))
