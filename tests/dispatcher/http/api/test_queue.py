"""`/api/v1/queue`: which deploys wait, and what for."""

from __future__ import annotations

import pytest
import redis

from dispatcher.domain.deploy import State
from dispatcher.domain.snapshot import Snapshot
from dispatcher.http.api import queue
from dispatcher.ledger import Slots, Store, Targets
from tests.dispatcher.http.helpers import end, take
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.ledger.helpers import push, submit
from tests.dispatcher.webhooks.support import sent

PUSH = "github/push__branch"


@pytest.fixture
def pushed(web: Web) -> Web:
    assert web.deliver(sent(PUSH)).status_code == 202
    return web


def waits(web: Web, query: str = "") -> list[tuple[str, str]]:
    found = web.api(f"queue?{query}").json()
    return [(each["deploy"], each["waits_for"]) for each in found["deploys"]]


def test_nothing_waits(web: Web) -> None:
    assert web.api("queue").json() == {"deploys": [], "total": 0, "next": ""}


def test_what_was_pushed_waits_for_a_worker(pushed: Web) -> None:
    assert waits(pushed) == [("shop/1", "worker")]


def test_what_runs_or_is_over_does_not_wait(pushed: Web, client: redis.Redis) -> None:
    take(pushed, client, State.STARTING, State.RUNNING)
    assert waits(pushed) == []

    pushed.api("targets/shop/redeploy", "POST")
    (found,) = pushed.api("queue").json()["deploys"]

    assert (found["deploy"], found["waits_for"]) == ("shop/2", "earlier-deploy")
    assert (found["behind"], found["explanation"]) == ("shop/1", "shop/1 is running")


def test_a_pause_says_since_when_and_by_whom(pushed: Web) -> None:
    paused = pushed.api("pause", "POST", json={"by": "ann"}).json()["paused"]

    (found,) = pushed.api("queue?waits_for=pause").json()["deploys"]

    assert (found["explanation"], found["since"]) == ("paused by ann", paused["since"])


def test_a_slot_says_the_position_in_line(pushed: Web, store: Store) -> None:
    seen = Targets(store).acquire("shop", "worker")
    assert isinstance(seen, Snapshot)
    Targets(store).record(seen, "worker", release=True, due_at=seen.now + 60_000)
    slots = Slots(store)
    store.client.hset(store.keys.max_running, "*", "1")
    assert slots.claim("lab", "default", 1) is None
    assert slots.claim("bare", "default", 2)
    assert slots.claim("shop", "default", 3)

    (found,) = pushed.api("queue").json()["deploys"]

    assert (found["waits_for"], found["position"]) == ("slot", 2)


def test_a_quiet_period_says_until_when(web: Web) -> None:
    web.configure(
        "    branches: [main]\n",
        "    branches: [main]\n    namespace: quiet\n    quiet_period: 5m\n",
    )
    web.deliver(sent(PUSH))

    (found,) = web.api("queue").json()["deploys"]

    assert found["waits_for"] == "quiet-period"
    assert found["until"] > found["since"]


def test_filters(pushed: Web, store: Store) -> None:
    submit(store, push("0", "a"), target="lab")
    submit(store, push("0", "a"), target="shop-releases")

    assert waits(pushed, "target=shop*") == [("shop/1", "worker"), ("shop-releases/1", "worker")]
    assert waits(pushed, "namespace=releases") == [("shop-releases/1", "worker")]
    assert waits(pushed, "waits_for=slot,pause") == []
    assert error(pushed.api("queue?waits_for=godot")) == (400, "invalid_parameter")
    assert error(pushed.api("queue?cursor=1")) == (400, "invalid_cursor")


def test_pages(pushed: Web, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for target in ("lab", "bare", "each"):
        submit(store, push("0", "a"), target=target)
    whole = waits(pushed)

    first = pushed.api("queue?limit=1").json()
    monkeypatch.setattr(queue, "MOST_BYTES", 1)
    second = pushed.api(f"queue?cursor={first['next']}").json()
    monkeypatch.undo()
    third = pushed.api(f"queue?cursor={second['next']}").json()

    pages = [first, second, third]
    assert [[e["deploy"] for e in page["deploys"]] for page in pages] == [
        [deploy for deploy, _ in part] for part in (whole[:1], whole[1:2], whole[2:])
    ]
    assert [page["total"] for page in pages] == [4, 4, 4]
    assert third["next"] == ""


def test_a_limited_token_sees_its_targets_only(pushed: Web, store: Store) -> None:
    submit(store, push("0", "a"), target="lab")
    order = {"name": "ci", "targets": ["lab"]}
    token = pushed.api("tokens", "POST", json=order).json()["token"]

    found = pushed.api("queue", headers={"Authorization": f"Bearer {token}"}).json()

    assert ([each["deploy"] for each in found["deploys"]], found["total"]) == (["lab/1"], 1)


def test_a_target_that_was_removed_is_there_too(
    pushed: Web, store: Store, client: redis.Redis
) -> None:
    end(pushed, client, State.FAILED)
    submit(store, push("0", "a"), target="gone")

    assert waits(pushed) == [("gone/1", "worker")]
