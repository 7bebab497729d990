"""`/api/v1/deploys`: deploys of all targets, by filters, page by page."""

from __future__ import annotations

import pytest
import redis

from dispatcher.domain.deploy import State
from dispatcher.http.api import deploy_search
from dispatcher.ledger import Store
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.ledger.helpers import push, sha, submit
from tests.dispatcher.webhooks.support import NEW, sent


@pytest.fixture
def deployed(web: Web, client: redis.Redis) -> Web:
    """shop/1 failed, its redeploy waits, and so do lab/1 and a deploy of a target that is not configured."""
    assert web.deliver(sent("github/push__branch")).status_code == 202
    end(web, client, State.FAILED, cause="script")
    web.api("targets/shop/redeploy", "POST")
    store = Store(client, web.keys)
    submit(store, push("0", "lab"), target="lab")
    submit(store, push("0", "old", ref="refs/heads/dev"), target="removed")
    return web


def found(web: Web, query: str = "") -> list[str]:
    response = web.api(f"deploys?{query}")
    assert response.status_code == 200, response.text
    return [each["deploy"] for each in response.json()["deploys"]]


def test_all_are_listed_newest_first(deployed: Web) -> None:
    assert found(deployed) == ["removed/1", "lab/1", "shop/2", "shop/1"]


@pytest.mark.parametrize(
    ("query", "deploys"),
    [
        ("target=shop", ["shop/2", "shop/1"]),
        ("target=*b", ["lab/1"]),
        ("state=failed", ["shop/1"]),
        ("state=failed,lost&target=lab", []),
        ("cause=script", ["shop/1"]),
        ("cause=image", []),
        ("reason=redeploy", ["shop/2"]),
        ("repository=git@gitlab.com:acme/shop.git", ["lab/1"]),
        (f"commit={sha('lab')[:7].upper()}", ["lab/1"]),
        (f"commit={NEW[:7]}&state=failed", ["shop/1"]),
        ("ref=dev", ["removed/1"]),
        ("ref=refs/heads/dev", ["removed/1"]),
        ("ref=refs/heads/de", []),
        ("since=2100-01-01T00:00:00Z", []),
        ("until=2001-01-01T00:00:00%2B02:00", []),
        ("namespace=nowhere", []),
        ("until=2100-01-01T00:00:00Z&since=2001-01-01T00:00:00Z&target=lab", ["lab/1"]),
    ],
)
def test_filters(deployed: Web, query: str, deploys: list[str]) -> None:
    assert found(deployed, query) == deploys


@pytest.mark.parametrize(
    "query",
    [
        "state=fail",
        "state=",
        "state=failed,",
        "reason=why",
        "cause=",
        "target=",
        "target=/shop",
        "repository=nothing",
        "commit=xyz0",
        "commit=abc",
        "since=yesterday",
        "since=2025-11-22",
        "until=2025-11-22T10:15:00",
        "until=0001-01-01T00:00:00%2B99:00",
        f"ref={'r' * 301}",
    ],
)
def test_what_is_no_filter_is_refused(web: Web, query: str) -> None:
    assert error(web.api(f"deploys?{query}")) == (400, "invalid_parameter")


def test_pages_join_without_a_gap_though_deploys_are_added(deployed: Web, store: Store) -> None:
    whole = found(deployed)
    first = deployed.api("deploys?limit=2").json()
    submit(store, push("0", "x"), target="each")
    second = deployed.api(f"deploys?limit=200&cursor={first['next']}").json()

    both = [each["deploy"] for each in (*first["deploys"], *second["deploys"])]
    assert both == whole
    assert second["next"] == ""
    assert error(deployed.api("deploys?cursor=newest")) == (400, "invalid_cursor")


def test_a_page_is_bounded_in_bytes(deployed: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy_search, "MOST_BYTES", 10)

    page = deployed.api("deploys").json()

    assert len(page["deploys"]) == 1
    assert page["next"]


def test_a_page_looks_at_a_bounded_part_of_the_index(
    deployed: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy_search, "STEP", 1)
    monkeypatch.setattr(deploy_search, "STEPS", 1)
    monkeypatch.setattr(deploy_search, "MOST_READ", 1)
    pages, cursor = list[list[str]](), ""
    while not pages or cursor:
        page = deployed.api(f"deploys?target=shop&cursor={cursor}").json()
        pages.append([each["deploy"] for each in page["deploys"]])
        cursor = page["next"]

    assert [deploy for page in pages for deploy in page] == ["shop/2", "shop/1"]
    assert [] in pages


def test_a_limited_token_finds_its_targets_only(deployed: Web) -> None:
    order = {"name": "ci", "targets": ["lab"]}
    token = deployed.api("tokens", "POST", json=order).json()["token"]

    page = deployed.api("deploys", headers={"Authorization": f"Bearer {token}"}).json()

    assert [each["deploy"] for each in page["deploys"]] == ["lab/1"]


def test_what_the_ledger_no_longer_has_is_left_out(deployed: Web, client: redis.Redis) -> None:
    client.delete(deployed.keys.deploys("removed"))

    assert "removed/1" not in found(deployed)


def test_the_log_is_not_in_the_list(deployed: Web) -> None:
    assert "log_tail" not in deployed.api("deploys?limit=1").json()["deploys"][0]
