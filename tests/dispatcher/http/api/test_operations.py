"""`/api/v1`: cancel, release, pause and resume, as operators and scripts see them."""

from __future__ import annotations

from itertools import pairwise

import pytest
import redis

from dispatcher.domain.model import State
from dispatcher.domain.snapshot import Snapshot
from dispatcher.http.api.operations import REASONS
from dispatcher.ledger import Ledger, Told
from tests.dispatcher.http.helpers import end, take
from tests.dispatcher.http.web import Web, error, results
from tests.dispatcher.webhooks.support import MIDDLE, NEW, OLD, sent

PUSH = "github/push__branch"
FIRST = "targets/shop/deploys/1"
ANN = {"by": "ann", "reason": "wrong\nbranch"}


@pytest.fixture
def pushed(web: Web) -> Web:
    """`shop/1` waits, and the wake-up for it was taken."""
    assert web.deliver(sent(PUSH)).status_code == 202
    return web


@pytest.fixture
def answered(pushed: Web, ledger: Ledger) -> Web:
    """A worker has looked at `shop`, so that the next change wakes it again."""
    look(ledger)
    return pushed


def look(ledger: Ledger) -> Snapshot:
    seen = ledger.acquire("shop", "token")
    assert isinstance(seen, Snapshot)
    ledger.record(seen, "token", release=True)
    return seen


# One deploy


def test_a_deploy_that_waits_is_cancelled_at_once(answered: Web) -> None:
    before = len(answered.wake_ups())

    response = answered.api(f"{FIRST}/cancel", "POST", json=ANN)

    assert response.status_code == 202
    assert response.json() == {
        "deploy": "shop/1",
        "outcome": "cancelled",
        "reason": "it was waiting, and is over",
    }
    told = answered.api(FIRST).json()
    assert (told["state"], told["cancelled_by"]) == ("cancelled", "ann")
    assert told["why"] == "cancelled by ann: wrong branch"
    assert len(answered.wake_ups()) == before + 1


def test_a_deploy_that_runs_is_told_to_stop(pushed: Web, client: redis.Redis) -> None:
    take(pushed, client, State.STARTING, State.RUNNING)
    before = len(pushed.wake_ups())

    response = pushed.api(f"{FIRST}/cancel", "POST")

    assert (response.status_code, response.json()["outcome"]) == (202, "stopping")
    told = pushed.api(FIRST).json()
    assert (told["state"], told["cancelled_by"]) == ("running", "somebody")
    assert told["why"] == "cancelled by somebody"
    assert len(pushed.wake_ups()) == before + 1


def test_a_cancelled_commit_is_deployed_when_it_is_delivered_again(pushed: Web) -> None:
    pushed.api(f"{FIRST}/cancel", "POST")

    again = pushed.deliver(sent(PUSH))

    assert (again.status_code, again.json()["results"][0]["deploy"]) == (202, "shop/2")


@pytest.mark.parametrize("verb", ["cancel", "release"])
def test_what_is_over_stays_as_it_is(pushed: Web, client: redis.Redis, verb: str) -> None:
    end(pushed, client, State.SUCCEEDED)

    response = pushed.api(f"{FIRST}/{verb}", "POST")

    assert error(response) == (409, "already_over")
    assert "shop/1 is over already: succeeded" in response.json()["error"]["message"]
    assert pushed.api(FIRST).json()["state"] == "succeeded"


def test_what_stops_and_does_not_go_can_be_released(
    pushed: Web, client: redis.Redis, ledger: Ledger
) -> None:
    take(pushed, client, State.STARTING, State.RUNNING, State.STOPPING)
    before = len(pushed.wake_ups())

    response = pushed.api(f"{FIRST}/release", "POST", json=ANN)

    assert (response.status_code, response.json()["outcome"]) == (202, "released")
    assert pushed.api(FIRST).json()["released_by"] == "ann"
    assert [deploy.released_by for deploy in look(ledger).deploys] == ["ann"]
    assert len(pushed.wake_ups()) == before + 1


@pytest.mark.parametrize("states", [(), (State.STARTING, State.RUNNING)])
def test_only_what_was_told_to_stop_can_be_released(
    pushed: Web, client: redis.Redis, states: tuple[State, ...]
) -> None:
    take(pushed, client, *states)

    response = pushed.api(f"{FIRST}/release", "POST")

    assert error(response) == (409, "not_stopping")
    assert "cancel it first" in response.json()["error"]["message"]
    assert pushed.api(FIRST).json()["released_by"] == ""


@pytest.mark.parametrize("verb", ["cancel", "release"])
@pytest.mark.parametrize("number", ["0", "2", "x", "-1", "9" * 40])
def test_a_deploy_that_is_not_there(pushed: Web, verb: str, number: str) -> None:
    response = pushed.api(f"targets/shop/deploys/{number}/{verb}", "POST")

    assert error(response) == (404, "unknown_deploy")


def test_a_deploy_that_the_cluster_could_not_run_says_so(pushed: Web, client: redis.Redis) -> None:
    take(pushed, client, State.PENDING, troubles=2, not_before=1_763_806_500_000)

    told = pushed.api(FIRST).json()

    assert (told["cluster_troubles"], told["not_before"]) == (2, "2025-11-22T10:15:00.000Z")
    take(pushed, client, State.STARTING)
    assert pushed.api(FIRST).json()["not_before"] is None


# A target, or everything


def test_a_paused_target_takes_pushes_and_holds_them(web: Web, ledger: Ledger) -> None:
    response = web.api("targets/shop/pause", "POST", json={"by": "ann", "reason": "migration"})
    delivered = web.deliver(sent(PUSH))

    assert response.status_code == 200
    paused = response.json()["paused"]
    assert response.json()["target"] == "shop"
    assert paused.pop("since").endswith("Z")
    assert paused == {"by": "ann", "reason": "migration", "everything": False}
    assert (delivered.status_code, results(delivered)["shop"]) == (202, "held")
    assert look(ledger).paused == "paused by ann: migration"


def test_a_pause_is_shown_with_the_target_and_no_other(web: Web) -> None:
    web.api("targets/shop/pause", "POST")

    shop, docs, *_ = web.api("targets").json()["targets"]

    assert shop["paused"]["by"] == "somebody"
    assert docs["paused"] is None
    assert web.api("targets/shop").json() == shop


def test_resumed_it_goes_on(web: Web, ledger: Ledger) -> None:
    web.api("targets/shop/pause", "POST")
    web.deliver(sent(PUSH))
    look(ledger)
    before = len(web.wake_ups())

    response = web.api("targets/shop/resume", "POST")

    assert (response.status_code, response.json()) == (200, {"target": "shop", "paused": None})
    assert len(web.wake_ups()) == before + 1
    assert look(ledger).paused == ""


def test_everything_is_paused_and_resumed(web: Web, ledger: Ledger) -> None:
    response = web.api("pause", "POST", json={"by": "ann"})

    assert (response.status_code, response.json()["target"]) == (200, None)
    assert response.json()["paused"]["everything"] is True
    assert results(web.deliver(sent(PUSH)))["shop"] == "held"
    assert {each["paused"]["by"] for each in web.api("targets").json()["targets"]} == {"ann"}

    assert web.api("resume", "POST").json() == {"target": None, "paused": None}
    assert {each["paused"] for each in web.api("targets").json()["targets"]} == {None}
    assert look(ledger).paused == ""


def test_each_kind_of_pause_has_its_own_end(web: Web) -> None:
    web.api("pause", "POST", json={"by": "ann"})
    web.api("targets/shop/pause", "POST", json={"by": "bob"})

    assert web.api("targets/shop").json()["paused"]["by"] == "bob"
    assert web.api("targets/shop/resume", "POST").json()["paused"]["by"] == "ann"
    web.api("targets/shop/pause", "POST", json={"by": "bob"})
    assert web.api("resume", "POST").json()["paused"] is None
    assert web.api("targets/shop").json()["paused"]["by"] == "bob"


@pytest.mark.parametrize("path", ["pause", "resume", "deploys/1/cancel", "deploys/1/release"])
def test_orders_are_checked_like_a_redeploy(pushed: Web, path: str) -> None:
    odd = pushed.api(f"targets/shop/{path}", "POST", content=b'{"who": "ann"}')

    assert error(odd) == (400, "invalid_body")
    assert error(pushed.api(f"targets/shpo/{path}", "POST")) == (404, "unknown_target")
    assert error(pushed.api(f"targets/shop/{path}")) == (405, "method_not_allowed")
    assert pushed.http.post(f"/api/v1/targets/shop/{path}").status_code == 401


@pytest.mark.parametrize("path", ["pause", "resume"])
def test_everything_is_not_for_strangers(web: Web, path: str) -> None:
    assert web.http.post(f"/api/v1/{path}").status_code == 401


def test_every_outcome_has_an_answer() -> None:
    assert set(Told) - set(REASONS) == {Told.OVER, Told.RUNNING, Told.UNKNOWN}


# Every push


def test_where_every_push_counts_each_is_a_deploy_up_to_the_limit(web: Web) -> None:
    commits = [OLD, MIDDLE, NEW, "e5" * 20]
    outcomes = []
    for at, (before, after) in enumerate(pairwise(commits)):
        refs = [{"ref": "refs/heads/main", "before": before, "after": after}]
        delivery = sent("generic/push__branch").with_fields(
            repository="https://git.example.com/acme/each", refs=refs
        )
        answer = web.deliver(delivery.but(headers={"X-Delivery-Id": f"number-{at}"}), "plain")
        (told,) = answer.json()["results"]
        outcomes.append((told["outcome"], told["deploy"]))

    assert outcomes == [("accepted", "each/1"), ("accepted", "each/2"), ("coalesced", "each/2")]
    waiting = web.api("targets/each").json()["waiting"]
    assert [deploy["commit"] for deploy in waiting] == [MIDDLE, commits[-1]]
