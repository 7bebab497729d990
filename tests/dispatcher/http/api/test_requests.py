"""`/api/v1`: routing, and what is checked of every order."""

from __future__ import annotations

import pytest

from tests.dispatcher.http.web import Web, error
from tests.dispatcher.webhooks.support import sent

PUSH = "github/push__branch"


@pytest.fixture
def pushed(web: Web) -> Web:
    """`shop/1` waits, and the wake-up for it was taken."""
    assert web.deliver(sent(PUSH)).status_code == 202
    return web


def test_routing_below_the_api(web: Web) -> None:
    assert error(web.api("nowhere")) == (404, "not_found")
    assert error(web.api("targets/")) == (404, "not_found")
    assert error(web.api("targets", "POST")) == (405, "method_not_allowed")
    assert error(web.api("targets/shop/redeploy")) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["pause", "resume", "deploys/1/cancel", "deploys/1/release"])
def test_orders_are_checked_like_a_redeploy(pushed: Web, path: str) -> None:
    odd = pushed.api(f"targets/shop/{path}", "POST", content=b'{"who": "ann"}')

    assert error(odd) == (400, "invalid_body")
    assert error(pushed.api(f"targets/shpo/{path}", "POST")) == (404, "unknown_target")
    assert error(pushed.api(f"targets/shop/{path}")) == (405, "method_not_allowed")
    assert pushed.http.post(f"/api/v1/targets/shop/{path}").status_code == 401
