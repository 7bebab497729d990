"""`/api/v1/repositories/…/commits/…`: what became of a commit at every target of its repository."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from dispatcher.domain.deploy import State
from dispatcher.ledger import Operations, Store
from tests.dispatcher.http.helpers import end, take
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.ledger.helpers import push, sha, submit
from tests.dispatcher.webhooks.support import NEW, sent

SHOP = "repositories/github.com/acme/shop/commits"


@pytest.fixture
def pushed(web: Web) -> Web:
    assert web.deliver(sent("github/push__branch")).status_code == 202
    return web


def became(web: Web, commit: str = NEW) -> dict[str, tuple[str, str | None]]:
    found = web.api(f"{SHOP}/{commit}").json()
    return {each["target"]: (each["became"], each["by"]) for each in found["targets"]}


def of(web: Web, target: str, commit: str = NEW) -> dict[str, Any]:
    found = web.api(f"{SHOP}/{commit}").json()["targets"]
    return next(each for each in found if each["target"] == target)


def test_each_target_of_the_repository_says_what_became_of_it(pushed: Web) -> None:
    assert became(pushed) == {
        "shop": ("waiting", "shop/1"),
        "shop-docs": ("filtered", None),
        "shop-releases": ("filtered", None),
    }
    told = of(pushed, "shop-docs")
    assert "docs/**" in told["explanation"]
    assert pushed.api(f"deliveries/{told['delivery']}").status_code == 200


def test_a_deploy_of_it_runs_and_ends(pushed: Web, client: redis.Redis) -> None:
    take(pushed, client, State.STARTING)
    assert became(pushed)["shop"] == ("active", "shop/1")

    take(pushed, client, State.RUNNING, State.FAILED, why="exit 3")

    told = of(pushed, "shop")
    assert (told["became"], told["explanation"]) == ("failed", "shop/1 failed: exit 3")
    assert [each["deploy"] for each in told["deploys"]] == ["shop/1"]


def test_the_newest_deploy_of_it_counts(pushed: Web, client: redis.Redis) -> None:
    end(pushed, client, State.FAILED)
    pushed.api("targets/shop/redeploy", "POST")
    end(pushed, client, State.SUCCEEDED)

    assert became(pushed, NEW[:8].upper())["shop"] == ("deployed", "shop/2")


def test_a_newer_commit_took_its_turn(pushed: Web, client: redis.Redis, store: Store) -> None:
    submit(store, push(NEW, "newer"))
    client.hset(store.keys.deploys("shop"), "1", _with_commit(store, sha("newer")))

    told = of(pushed, "shop")

    assert (told["became"], told["by"]) == ("superseded", "shop/1")
    assert told["deploys"] == []


def _with_commit(store: Store, commit: str) -> str:
    raw = str(store.client.hget(store.keys.deploys("shop"), "1"))
    return raw.replace(NEW, commit)


def test_a_deploy_that_is_no_longer_kept_is_named(pushed: Web, client: redis.Redis) -> None:
    client.delete(pushed.keys.deploys("shop"))

    assert became(pushed)["shop"] == ("forgotten", "shop/1")


def test_a_cancelled_one(pushed: Web, store: Store) -> None:
    Operations(store).cancel("shop", 1, "ann", "")

    assert became(pushed)["shop"] == ("cancelled", "shop/1")


def test_one_that_nobody_has_seen(pushed: Web) -> None:
    assert set(became(pushed, "abcd" * 10).values()) == {("unseen", None)}


def test_a_redeploy_needs_no_delivery(web: Web, store: Store) -> None:
    submit(store, push("0", "a"))

    assert became(web, sha("a"))["shop"] == ("waiting", "shop/1")


def test_pages(pushed: Web) -> None:
    first = pushed.api(f"{SHOP}/{NEW}?limit=2").json()
    second = pushed.api(f"{SHOP}/{NEW}?limit=2&cursor={first['next']}").json()

    targets = [each["target"] for page in (first, second) for each in page["targets"]]
    assert targets == ["shop", "shop-docs", "shop-releases"]
    assert (first["total"], second["next"]) == (3, "")
    assert error(pushed.api(f"{SHOP}/{NEW}?cursor=lab")) == (400, "invalid_cursor")


@pytest.mark.parametrize("repository", ["https://github.com/Acme/shop.git", "github.com/acme/shop"])
def test_a_repository_is_known_however_it_is_written(pushed: Web, repository: str) -> None:
    found = pushed.api(f"repositories/{repository.replace('/', '%2F')}/commits/{NEW}").json()

    assert (found["repository"], found["total"]) == ("github.com/acme/shop", 3)


def test_what_is_not_there(web: Web) -> None:
    assert error(web.api(f"{SHOP}/xyz0")) == (400, "invalid_commit")
    nowhere = web.api(f"repositories/nowhere/commits/{NEW}")
    assert error(nowhere) == (404, "unknown_repository")


def test_a_limited_token_sees_its_targets_only(pushed: Web) -> None:
    def ask(target: str) -> Any:
        token = pushed.api("tokens", "POST", json={"name": target, "targets": [target]})
        headers = {"Authorization": f"Bearer {token.json()['token']}"}
        return pushed.api(f"{SHOP}/{NEW}", headers=headers)

    assert [each["target"] for each in ask("shop-docs").json()["targets"]] == ["shop-docs"]
    assert error(ask("lab")) == (404, "unknown_repository")
