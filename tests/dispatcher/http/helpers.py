"""What workers do to the ledger, in short."""

from __future__ import annotations

from typing import Any

import redis
from msgspec.structs import replace

from dispatcher.ledger import Ledger, Limits, Snapshot
from dispatcher.model import State
from tests.dispatcher.http.web import Web


def end(web: Web, client: redis.Redis, state: State, **facts: Any) -> None:
    """Takes the only open deploy of `shop` to its end: it waited 2 s and ran 12 s."""
    ledger = Ledger(client, web.keys, Limits())
    for each in (State.STARTING, State.RUNNING, state):
        seen = ledger.acquire("shop", "token")
        assert isinstance(seen, Snapshot)
        (deploy,) = (d for d in seen.deploys if not d.terminal)
        started = deploy.created_at + 2_000
        ended = {"ended_at": started + 12_000, **facts} if each is state else {}
        now = replace(deploy, state=each, started_at=started, **ended)
        ledger.record(seen, "token", deploys=[now], release=each is state)
