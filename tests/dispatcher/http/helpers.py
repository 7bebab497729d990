"""What workers do to the ledger, in short."""

from __future__ import annotations

from typing import Any

import redis
from msgspec.structs import replace

from dispatcher.domain.deploy import State
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import Retention, Store, Targets
from tests.dispatcher.http.web import Web


def end(web: Web, client: redis.Redis, state: State, **facts: Any) -> None:
    """Takes the only open deploy of `shop`, or `of` another, to its end: it waited 2 s and ran 12 s."""
    take(web, client, State.STARTING, State.RUNNING, of=facts.get("of", "shop"))
    take(web, client, state, ended_after=12_000, **facts)


def take(
    web: Web,
    client: redis.Redis,
    *states: State,
    ended_after: int = 0,
    of: str = "shop",
    **facts: Any,
) -> None:
    """Takes the only open deploy of that target through these states."""
    store = Store(client, web.keys, Retention())
    for state in states:
        seen = Targets(store).acquire(of, "token")
        assert isinstance(seen, Snapshot)
        (deploy,) = (d for d in seen.deploys if not d.terminal)
        started = deploy.created_at + 2_000
        ended = started + ended_after if ended_after else 0
        now = replace(deploy, state=state, started_at=started, ended_at=ended, **facts)
        Targets(store).record(seen, "token", deploys=[now], release=True)


def look(store: Store) -> Snapshot:
    """What a worker finds that looks at `shop` and does nothing."""
    seen = Targets(store).acquire("shop", "token")
    assert isinstance(seen, Snapshot)
    Targets(store).record(seen, "token", release=True)
    return seen
