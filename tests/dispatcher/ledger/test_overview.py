"""All targets at a glance."""

from __future__ import annotations

from dispatcher.ledger import Overview, Store, Targets
from tests.dispatcher.ledger.helpers import push, submit


def test_that_no_worker_takes_a_target_up_is_its_trouble(store: Store) -> None:
    submit(store, push("", "a"))
    store.client.hset(store.keys.row("shop"), "trouble", "no quota")
    (fresh,) = Overview(store).glances(["shop"])
    store.client.hset(store.keys.row("shop"), "woken", store.now() - 90_000)

    (waits,) = Overview(store).glances(["shop"])
    Targets(store).acquire("shop", "token")
    (taken,) = Overview(store).glances(["shop"])

    assert fresh.trouble == "no quota"
    assert waits.trouble.startswith("no worker has taken it up for 1m3")
    assert taken.trouble == "no quota"
