"""`/api/v1`: what each role may do, what a limited token sees, and the audit log of all of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dispatcher.domain.access import Role
from dispatcher.http.openapi.document import described_path
from dispatcher.http.openapi.operation import Operation
from dispatcher.http.operations import OPERATIONS
from dispatcher.ledger import Store
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.webhooks.support import sent

PUSH = "github/push__branch"
GUARDED = [each for each in OPERATIONS if each.token]
NAMES = {
    "target": "shop",
    "number": "1",
    "id": "5f0f3a1c0c1b",
    "name": "nobody",
    "repository": "gitlab.com/acme/shop",
    "commit": "3f2a9c1e",
}


def create(web: Web, **order: Any) -> str:
    response = web.api("tokens", "POST", json={"name": "ci", **order})
    assert response.status_code == 201, response.text
    return str(response.json()["token"])


def ask(web: Web, token: str, path: str, method: str = "GET", **more: Any) -> httpx.Response:
    return web.api(path, method, headers={"Authorization": f"Bearer {token}"}, **more)


def path_of(operation: Operation[Any]) -> str:
    return described_path(operation).removeprefix("/api/v1/").format(**NAMES)


@pytest.mark.parametrize("role", list(Role))
def test_a_token_opens_what_its_role_allows_and_nothing_else(web: Web, role: Role) -> None:
    token = create(web, role=role)

    refused = {
        (each.method, each.path)
        for each in GUARDED
        if error_code(ask(web, token, path_of(each), each.method)) == "forbidden"
    }

    assert refused == {
        (each.method, each.path) for each in GUARDED if each.role and not role.includes(each.role)
    }


def error_code(response: httpx.Response) -> str:
    return "" if response.is_success else str(response.json()["code"])


def test_the_least_role_changes_nothing() -> None:
    assert {each.method for each in GUARDED if each.role is Role.READ} == {"GET"}
    assert {each.method for each in GUARDED if each.role is Role.OPERATE} == {"POST"}


def test_a_limited_token_sees_its_targets_only(web: Web) -> None:
    web.deliver(sent(PUSH))
    token = create(web, role="operate", targets=["shop-*"])

    seen = [each["name"] for each in ask(web, token, "targets").json()["targets"]]
    unseen = ask(web, token, "targets/shop")
    unknown = ask(web, token, "targets/shp")

    assert seen == ["shop-docs", "shop-releases"]
    assert error(unseen) == error(unknown) == (404, "unknown_target")
    assert "'shop'" not in unknown.json()["detail"]
    assert error(ask(web, token, "targets/shop/redeploy", "POST")) == (404, "unknown_target")
    assert ask(web, token, "targets/shop-docs").status_code == 200


@pytest.mark.parametrize("operation", GUARDED, ids=lambda each: f"{each.method} {each.path}")
def test_a_limited_token_reaches_no_other_target_by_any_operation(
    web: Web, operation: Operation[Any]
) -> None:
    web.deliver(sent(PUSH))
    token = create(web, role="admin", targets=["lab"])

    response = ask(web, token, path_of(operation), operation.method)

    if response.is_success:
        assert "shop-docs" not in response.text
        assert "{target}" not in operation.path
    else:
        assert error_code(response) == ("forbidden" if operation.everything else "unknown_target")


def test_a_revoked_or_expired_token_is_not_accepted(web: Web, store: Store) -> None:
    token = create(web)
    lasting = create(web, name="lasting", expires_in=3600)

    web.api("tokens/ci/revoke", "POST")

    assert error(ask(web, token, "targets")) == (401, "unauthorized")
    assert ask(web, lasting, "targets").status_code == 200
    assert [each["name"] for each in web.api("tokens").json()["tokens"]] == ["lasting"]


def test_what_cannot_be_a_token_is_refused(web: Web) -> None:
    for body in (
        {},
        {"name": "No"},
        {"name": "a", "role": "root"},
        {"name": "a", "expires_in": -1},
    ):
        assert error(web.api("tokens", "POST", json=body)) == (400, "invalid_body")
    create(web)
    again = web.api("tokens", "POST", json={"name": "ci"})
    assert error(again) == (409, "token_exists")
    assert error(web.api("tokens/nobody/revoke", "POST")) == (404, "unknown_token")


def test_every_order_is_in_the_audit_log_with_its_outcome(web: Web) -> None:
    web.deliver(sent(PUSH))
    token = create(web, role="operate", by="ann")
    ask(web, token, "targets/shop/pause", "POST", json={"by": "bob", "reason": "a migration"})
    ask(web, token, "targets/shop/deploys/1/cancel", "POST")
    ask(web, token, "targets/shop/deploys/9/cancel", "POST")
    ask(web, token, "targets/shop/redeploy", "POST")
    ask(web, token, "resume", "POST")

    orders = web.api("audit").json()["orders"]

    assert [(each["verb"], each["subject"], each["outcome"]) for each in orders] == [
        ("resume", "", "done"),
        ("redeploy", "shop", "held shop/2"),
        ("cancel", "shop/9", "unknown_deploy"),
        ("cancel", "shop/1", "cancelled"),
        ("pause", "shop", "done"),
        ("create-token", "ci", "created"),
    ]
    assert {each["caller"] for each in orders[:-1]} == {"ci"}
    assert (orders[4]["by"], orders[4]["reason"]) == ("bob", "a migration")
    assert (orders[-1]["caller"], orders[-1]["by"]) == ("2 of 2", "ann")
    assert {each["address"] for each in orders} == {"127.0.0.1"}
    assert token not in web.api("audit").text


def test_the_audit_log_is_read_page_by_page(web: Web) -> None:
    for number in range(5):
        web.api("pause", "POST", json={"reason": str(number)})

    first = web.api("audit?limit=3").json()
    second = web.api(f"audit?limit=3&cursor={first['next']}").json()

    reasons = [each["reason"] for each in first["orders"] + second["orders"]]
    assert reasons == ["4", "3", "2", "1", "0"]
    assert second["next"] == ""
    assert error(web.api("audit?cursor=latest")) == (400, "invalid_cursor")
