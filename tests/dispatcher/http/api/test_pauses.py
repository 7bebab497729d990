"""`/api/v1`: pause and resume, as operators and scripts see them."""

from __future__ import annotations

import pytest

from dispatcher.domain.pause import Paused
from dispatcher.ledger import Store
from dispatcher.ledger.codec import encode
from tests.dispatcher.http.helpers import look
from tests.dispatcher.http.web import Web, results
from tests.dispatcher.webhooks.support import sent

PUSH = "github/push__branch"


def test_a_paused_target_takes_pushes_and_holds_them(web: Web, store: Store) -> None:
    response = web.api("targets/shop/pause", "POST", json={"by": "ann", "reason": "migration"})
    delivered = web.deliver(sent(PUSH))

    assert response.status_code == 200
    paused = response.json()["paused"]
    assert response.json()["target"] == "shop"
    assert paused.pop("since").endswith("Z")
    assert paused == {"by": "ann", "reason": "migration", "everything": False}
    assert (delivered.status_code, results(delivered)["shop"]) == (202, "held")
    assert look(store).paused == "paused by ann: migration"


def test_a_pause_is_shown_with_the_target_and_no_other(web: Web) -> None:
    web.api("targets/shop/pause", "POST")

    shop, docs, *_ = web.api("targets").json()["targets"]

    assert shop["paused"]["by"] == "somebody"
    assert docs["paused"] is None
    assert web.api("targets/shop").json() == shop


def test_a_pause_of_long_ago_is_a_trouble_of_its_own_kind(web: Web, store: Store) -> None:
    web.api("targets/shop/pause", "POST", json={"by": "ann", "reason": "migration"})
    fresh = web.api("targets/shop").json()
    old = Paused("ann", "migration", store.now() - 2 * 86_400_000)
    store.client.hset(store.keys.row("shop"), "paused", encode(old))

    found = web.api("targets/shop").json()

    assert (fresh["trouble"], fresh["trouble_kind"]) == ("", None)
    assert found["trouble"] == "paused for 2d by ann: migration"
    assert found["trouble_kind"] == "paused"


def test_resumed_it_goes_on(web: Web, store: Store) -> None:
    web.api("targets/shop/pause", "POST")
    web.deliver(sent(PUSH))
    look(store)
    before = len(web.wake_ups())

    response = web.api("targets/shop/resume", "POST")

    assert (response.status_code, response.json()) == (200, {"target": "shop", "paused": None})
    assert len(web.wake_ups()) == before + 1
    assert look(store).paused == ""


def test_everything_is_paused_and_resumed(web: Web, store: Store) -> None:
    response = web.api("pause", "POST", json={"by": "ann"})

    assert (response.status_code, response.json()["target"]) == (200, None)
    assert response.json()["paused"]["everything"] is True
    assert results(web.deliver(sent(PUSH)))["shop"] == "held"
    assert {each["paused"]["by"] for each in web.api("targets").json()["targets"]} == {"ann"}

    assert web.api("resume", "POST").json() == {"target": None, "paused": None}
    assert {each["paused"] for each in web.api("targets").json()["targets"]} == {None}
    assert look(store).paused == ""


def test_each_kind_of_pause_has_its_own_end(web: Web) -> None:
    web.api("pause", "POST", json={"by": "ann"})
    web.api("targets/shop/pause", "POST", json={"by": "bob"})

    assert web.api("targets/shop").json()["paused"]["by"] == "bob"
    assert web.api("targets/shop/resume", "POST").json()["paused"]["by"] == "ann"
    web.api("targets/shop/pause", "POST", json={"by": "bob"})
    assert web.api("resume", "POST").json()["paused"] is None
    assert web.api("targets/shop").json()["paused"]["by"] == "bob"


@pytest.mark.parametrize("path", ["pause", "resume"])
def test_a_pause_of_everything_needs_a_token(web: Web, path: str) -> None:
    assert web.http.post(f"/api/v1/{path}").status_code == 401
