"""`/livez` and `/readyz`; without Redis, see test_hooks."""

from __future__ import annotations

from dispatcher import __version__
from dispatcher.ledger import Leadership, Store, WatcherHealth
from tests.dispatcher.http.web import Web


def test_without_a_token_one_learns_whether_it_is_up_and_no_more(web: Web) -> None:
    assert web.http.get("/livez").json() == {"live": True}
    for headers in ({}, {"Authorization": "Bearer of-somebody-who-guesses"}):
        assert web.http.get("/readyz", headers=headers).json() == {"ready": True}


def test_who_has_a_token_learns_how_everything_is(web: Web) -> None:
    assert web.readiness().json() == {
        "ready": True,
        "version": __version__,
        "ledger": "ok",
        "cluster": "unavailable: no watcher leads",
        "workers": "unavailable: no worker is alive; 0 alive, 0 late",
        "configuration": "ok",
        "web": "ok",
        "durability": "appendfsync always: nothing acknowledged is lost",
    }


def test_heads_are_answered(web: Web) -> None:
    assert web.http.head("/readyz").status_code == 200


def test_it_tells_whether_the_cluster_can_be_followed(web: Web, store: Store) -> None:
    health = WatcherHealth(store)
    Leadership(store, "the watcher").acquire()
    followed = web.readiness().json()["cluster"]

    health.report("secret-project", "job", "no answer from 10.0.0.7")
    cut_off = web.readiness()
    health.resolve("secret-project", "job")

    assert followed == "ok"
    assert cut_off.status_code == 200
    assert cut_off.json()["cluster"].startswith("unavailable: the watcher cannot reach")
    assert "secret" not in cut_off.text
    assert web.readiness().json()["cluster"] == "ok"
