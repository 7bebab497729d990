"""`/api/v1/targets`, as people and scripts see it."""

from __future__ import annotations

import pytest
import redis

from dispatcher.domain.deploy import State
from dispatcher.http.api import targets
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.webhooks.support import sent

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
    message = response.json()["detail"]
    assert message == "There is no target 'shpo': did you mean \"shop\"?"


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
    assert "was removed from the configuration" in response.json()["detail"]


@pytest.mark.parametrize(
    "order", ["redeploy", "pause", "resume", "deploys/1/cancel", "deploys/1/release"]
)
def test_nothing_is_ordered_of_a_target_that_was_removed(pushed: Web, order: str) -> None:
    pushed.remove("shop")

    response = pushed.api(f"targets/shop/{order}", "POST")

    assert error(response) == (404, "unknown_target")
    assert "was removed from the configuration" in response.json()["detail"]


# Pages and filters


def names(web: Web, query: str = "") -> list[str]:
    return [each["name"] for each in web.api(f"targets?{query}").json()["targets"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("target=shop-*", ["shop-docs", "shop-releases"]),
        ("namespace=releases", ["shop-releases"]),
        ("repository=https://gitlab.com/acme/shop.git", ["lab"]),
        ("search=GITLAB.com", ["lab"]),
        ("search=docs", ["shop-docs"]),
        ("search=v*", ["shop-releases"]),
        ("search=nowhere", []),
        ("concern=trouble,failed,paused", []),
        ("concern=none&target=lab&sort=concern", ["lab"]),
    ],
)
def test_targets_are_filtered(web: Web, query: str, found: list[str]) -> None:
    assert names(web, query) == found


def test_the_worst_comes_first_where_asked(web: Web, client: redis.Redis) -> None:
    assert web.deliver(sent("github/push__branch")).status_code == 202
    end(web, client, State.FAILED)
    web.api("targets/lab/pause", "POST")
    client.hset(web.keys.row("each"), "trouble", "no quota")

    assert names(web, "sort=concern")[:3] == ["each", "shop", "lab"]
    assert names(web, "concern=failed") == ["shop"]
    assert names(web, "concern=paused,trouble") == ["lab", "each"]
    web.api("pause", "POST")
    assert names(web, "sort=concern")[:2] == ["each", "shop"]


def test_targets_come_in_pages(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = names(web)
    first = web.api("targets?limit=2").json()
    monkeypatch.setattr(targets, "MOST_BYTES", 1)
    second = web.api(f"targets?cursor={first['next']}").json()
    monkeypatch.undo()
    third = web.api(f"targets?cursor={second['next']}").json()

    pages = [[each["name"] for each in page["targets"]] for page in (first, second, third)]
    assert pages == [whole[:2], whole[2:3], whole[3:]]
    assert {page["total"] for page in (first, second, third)} == {len(whole)}
    assert third["next"] == ""


@pytest.mark.parametrize("query", ["cursor=gone", "cursor=No", "cursor=shop&target=lab"])
def test_a_cursor_that_is_none(web: Web, query: str) -> None:
    assert error(web.api(f"targets?{query}")) == (400, "invalid_cursor")


@pytest.mark.parametrize("query", ["concern=all", "sort=name", "search="])
def test_a_filter_that_is_none(web: Web, query: str) -> None:
    assert error(web.api(f"targets?{query}")) == (400, "invalid_parameter")
