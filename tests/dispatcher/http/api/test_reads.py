"""`/api/v1`, as people and scripts see it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from dispatcher.domain.model import State
from dispatcher.ledger import Keys
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import OTHER_TOKEN, TOKEN, Web, error
from tests.dispatcher.webhooks.support import NEW, OLD, sent

PUSH = "github/push__branch"


@pytest.fixture
def pushed(web: Web) -> Web:
    """`shop/1` waits."""
    assert web.deliver(sent(PUSH)).status_code == 202
    return web


def test_targets_are_listed_with_what_goes_on(pushed: Web) -> None:
    response = pushed.api("targets")

    assert response.status_code == 200
    shop, docs, releases, *_ = response.json()["targets"]
    assert (shop["name"], shop["repository"]) == ("shop", "https://github.com/acme/shop")
    assert (shop["branches"], shop["tags"]) == (["main"], [])
    assert [each["deploy"] for each in shop["waiting"]] == ["shop/1"]
    assert (shop["waiting_count"], docs["waiting_count"]) == (1, 0)
    assert (shop["active"], shop["last"], shop["trouble"]) == (None, None, "")
    assert docs["waiting"] == []
    assert (releases["namespace"], releases["on_new_push"]) == ("releases", "wait")


def test_one_target(pushed: Web) -> None:
    listed = pushed.api("targets").json()["targets"][0]

    assert pushed.api("targets/shop").json() == listed


@pytest.mark.parametrize("path", ["", "/deploys", "/deploys/1"])
def test_a_target_that_is_not_there(web: Web, path: str) -> None:
    response = web.api(f"targets/shpo{path}")

    assert error(response) == (404, "unknown_target")
    message = response.json()["error"]["message"]
    assert message == "There is no target 'shpo': did you mean \"shop\"?"


def test_a_deploy_is_told_with_times_in_utc_and_its_log(pushed: Web, client: redis.Redis) -> None:
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


def test_the_history_of_a_target_that_was_removed_can_be_read(
    pushed: Web, client: redis.Redis
) -> None:
    end(pushed, client, State.SUCCEEDED)
    before = pushed.api("targets/shop/deploys").json()

    pushed.remove("shop")

    assert pushed.api("targets/shop/deploys").json() == before
    assert pushed.api("targets/shop/deploys/1").json()["state"] == "succeeded"
    assert error(pushed.api("targets/shop/deploys/2")) == (404, "unknown_deploy")
    response = pushed.api("targets/shop")
    assert error(response) == (404, "unknown_target")
    assert "was removed from the configuration" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "order", ["redeploy", "pause", "resume", "deploys/1/cancel", "deploys/1/release"]
)
def test_nothing_is_ordered_of_a_target_that_was_removed(pushed: Web, order: str) -> None:
    pushed.remove("shop")

    response = pushed.api(f"targets/shop/{order}", "POST")

    assert error(response) == (404, "unknown_target")
    assert "was removed from the configuration" in response.json()["error"]["message"]


@pytest.mark.parametrize("token", [TOKEN, OTHER_TOKEN])
def test_each_token_opens(web: Web, token: str) -> None:
    headers = {"Authorization": f"bearer {token}"}

    assert web.http.get("/api/v1/targets", headers=headers).status_code == 200


@pytest.mark.parametrize("sent_header", [None, "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}"])
@pytest.mark.parametrize("path", ["targets", "targets/shop/deploys", "nowhere"])
def test_without_a_token_nothing_is_told(web: Web, path: str, sent_header: str | None) -> None:
    headers = {"Authorization": sent_header} if sent_header else {}

    response = web.http.get(f"/api/v1/{path}", headers=headers)

    assert error(response) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_two_tokens_are_none(web: Web) -> None:
    headers = [("Authorization", f"Bearer {TOKEN}")] * 2

    assert web.http.get("/api/v1/targets", headers=headers).status_code == 401


def test_without_tokens_the_api_is_closed(tmp_path: Path, redis_url: str, keys: Keys) -> None:
    with Web(tmp_path, redis_url, keys, tokens="") as web:
        response = web.api("targets")

    assert error(response) == (403, "api_disabled")
    assert "DISPATCHER_API_TOKENS" in response.json()["error"]["message"]


def test_routing_below_the_api(web: Web) -> None:
    assert error(web.api("nowhere")) == (404, "not_found")
    assert error(web.api("targets/")) == (404, "not_found")
    assert error(web.api("targets", "POST")) == (405, "method_not_allowed")
    assert error(web.api("targets/shop/redeploy")) == (405, "method_not_allowed")


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
