"""`/api/v1/targets/{target}/deploys`: what is read of a deploy, cancel and release."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
import redis

from dispatcher.domain.deploy import State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.outcome import StopResult
from dispatcher.http.api.deploys import REASONS
from dispatcher.ledger import Observations, Store
from tests.dispatcher.http.helpers import end, look, take
from tests.dispatcher.http.web import Web, error
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
def looked_at(pushed: Web, store: Store) -> Web:
    """A worker has looked at `shop`, so that the next change wakes it again."""
    look(store)
    return pushed


def test_a_deploy_is_shown_with_times_in_utc_and_its_log(pushed: Web, client: redis.Redis) -> None:
    end(pushed, client, State.FAILED, exit_code=3, log_tail="no space left\n", why="exited with 3")

    told = pushed.api("targets/shop/deploys/1").json()

    assert (told["deploy"], told["state"], told["reason"]) == ("shop/1", "failed", "push")
    assert (told["commit"], told["ref"]) == (NEW, "refs/heads/main")
    assert (told["exit_code"], told["log_tail"]) == (3, "no space left\n")
    assert (told["waited"], told["duration"]) == (2.0, 12.0)
    assert told["created_at"].endswith("Z")
    created = datetime.fromisoformat(told["created_at"])
    assert abs((datetime.now(UTC) - created).total_seconds()) < 60


def test_deploys_come_newest_first_and_as_many_as_asked_for(
    pushed: Web, client: redis.Redis
) -> None:
    end(pushed, client, State.SUCCEEDED)
    pushed.api("targets/shop/redeploy", "POST")

    both = pushed.api("targets/shop/deploys").json()["deploys"]
    newest = pushed.api("targets/shop/deploys?limit=1").json()["deploys"]

    assert [each["deploy"] for each in both] == ["shop/2", "shop/1"]
    assert newest == both[:1]
    assert "log_tail" not in both[0]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many", "", "1e1"])
def test_a_limit_that_cannot_be(web: Web, limit: str) -> None:
    assert error(web.api(f"targets/shop/deploys?limit={limit}")) == (400, "invalid_limit")


@pytest.mark.parametrize("number", ["2", "x", "-1", "9" * 40])
def test_a_deploy_that_is_not_there(pushed: Web, number: str) -> None:
    assert error(pushed.api(f"targets/shop/deploys/{number}")) == (404, "unknown_deploy")


def test_a_push_that_is_coalesced_shows_in_the_deploy(pushed: Web) -> None:
    refs = [{"ref": "refs/heads/main", "before": OLD, "after": NEW}]
    web = pushed
    web.deliver(sent("generic/push__branch").with_fields(refs=refs), "plain")

    told = web.api("targets/bare/deploys/1").json()

    assert told["state"] == "pending"
    assert told["deliveries"] == ["delivery-1"]


def test_a_mistake_of_ours_is_an_answer_too(pushed: Web, client: redis.Redis) -> None:
    client.hset(pushed.keys.deploys("shop"), "1", "{}")

    response = pushed.api("targets/shop/deploys/1")

    assert error(response) == (500, "internal_error")
    assert response.headers["Cache-Control"] == "no-store"


def test_a_deploy_that_the_cluster_could_not_run_says_so(pushed: Web, client: redis.Redis) -> None:
    take(pushed, client, State.PENDING, troubles=2, not_before=1_763_806_500_000)

    told = pushed.api(FIRST).json()

    assert (told["cluster_troubles"], told["not_before"]) == (2, "2025-11-22T10:15:00.000Z")
    take(pushed, client, State.STARTING)
    assert pushed.api(FIRST).json()["not_before"] is None


# Cancel and release


def test_a_deploy_that_waits_is_cancelled_at_once(looked_at: Web) -> None:
    before = len(looked_at.wake_ups())

    response = looked_at.api(f"{FIRST}/cancel", "POST", json=ANN)

    assert response.status_code == 202
    assert response.json() == {
        "deploy": "shop/1",
        "outcome": "cancelled",
        "reason": "it was waiting and is now cancelled",
    }
    told = looked_at.api(FIRST).json()
    assert (told["state"], told["cancelled_by"]) == ("cancelled", "ann")
    assert told["why"] == "cancelled by ann: wrong branch"
    assert len(looked_at.wake_ups()) == before + 1


def test_a_deploy_that_runs_is_stopped(pushed: Web, client: redis.Redis) -> None:
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
    assert "shop/1 has already ended: succeeded" in response.json()["detail"]
    assert pushed.api(FIRST).json()["state"] == "succeeded"


def test_what_stops_and_does_not_go_can_be_released(
    pushed: Web, client: redis.Redis, store: Store
) -> None:
    take(pushed, client, State.STARTING, State.RUNNING, State.STOPPING)
    before = len(pushed.wake_ups())

    response = pushed.api(f"{FIRST}/release", "POST", json=ANN)

    assert (response.status_code, response.json()["outcome"]) == (202, "released")
    assert pushed.api(FIRST).json()["released_by"] == "ann"
    assert [deploy.released_by for deploy in look(store).deploys] == ["ann"]
    assert len(pushed.wake_ups()) == before + 1


@pytest.mark.parametrize("states", [(), (State.STARTING, State.RUNNING)])
def test_only_what_is_stopping_can_be_released(
    pushed: Web, client: redis.Redis, states: tuple[State, ...]
) -> None:
    take(pushed, client, *states)

    response = pushed.api(f"{FIRST}/release", "POST")

    assert error(response) == (409, "not_stopping")
    assert "cancel it first" in response.json()["detail"]
    assert pushed.api(FIRST).json()["released_by"] == ""


@pytest.mark.parametrize("verb", ["cancel", "release"])
@pytest.mark.parametrize("number", ["0", "2", "x", "-1", "9" * 40])
def test_a_deploy_that_is_not_there_takes_no_order(pushed: Web, verb: str, number: str) -> None:
    response = pushed.api(f"targets/shop/deploys/{number}/{verb}", "POST")

    assert error(response) == (404, "unknown_deploy")


def test_every_outcome_has_an_answer() -> None:
    assert set(StopResult) - set(REASONS) == {
        StopResult.OVER,
        StopResult.RUNNING,
        StopResult.UNKNOWN,
    }


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


# What happened to it


def test_a_deploy_has_its_whole_timeline(pushed: Web, client: redis.Redis) -> None:
    end(pushed, client, State.FAILED, attempt=1, job="shop-1", why="exit 2", exit_code=2)

    told = pushed.api(FIRST).json()

    assert [(e["kind"], e["state"], e.get("was")) for e in told["timeline"]] == [
        ("created", "pending", None),
        ("state", "starting", "pending"),
        ("state", "running", "starting"),
        ("state", "failed", "running"),
    ]
    assert told["timeline"][0]["commit"] == NEW
    assert told["timeline"][-1]["why"] == "exit 2"
    assert told["phases"]["waiting"] is not None
    assert told["phases"]["stopping"] is None


def test_a_deploy_names_what_it_superseded_and_by_what_it_was(
    pushed: Web, client: redis.Redis
) -> None:
    end(pushed, client, State.SUPERSEDED, superseded_by=2)
    pushed.api("targets/shop/redeploy", "POST")

    first, second = pushed.api(FIRST).json(), pushed.api("targets/shop/deploys/2").json()

    assert (first["superseded_by"], first["superseded"]) == ("shop/2", [])
    assert first["timeline"][-1]["superseded_by"] == "shop/2"
    assert second["superseded"] == ["shop/1"]


def test_the_pod_is_named_as_long_as_it_is_there(
    pushed: Web, client: redis.Redis, store: Store
) -> None:
    take(pushed, client, State.STARTING, namespace="deploys", job="shop-1")
    seen = ObservedJob(namespace="deploys", job="shop-1", uid="u", number=1, pod="shop-1-x7k2p")
    Observations(store).observe([("shop", seen)])

    assert pushed.api(FIRST).json()["pod"] == "shop-1-x7k2p"
