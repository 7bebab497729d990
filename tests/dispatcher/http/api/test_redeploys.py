"""The redeploy, as people and scripts see it."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from dispatcher.domain.deploy import State
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.webhooks.support import MIDDLE, NEW, sent

PUSH = "github/push__branch"
REDEPLOY = "targets/shop/redeploy"


@pytest.fixture
def pushed(web: Web) -> Web:
    """`shop/1` waits."""
    assert web.deliver(sent(PUSH)).status_code == 202
    return web


@pytest.fixture
def deployed(pushed: Web, client: redis.Redis) -> Web:
    """`shop/1` has deployed NEW."""
    end(pushed, client, State.SUCCEEDED)
    return pushed


def redeploy(web: Web, **body: Any) -> dict[str, Any]:
    response = web.api(REDEPLOY, "POST", json=body)
    assert response.status_code == 202, response.text
    told: dict[str, Any] = response.json()
    return told


def refused(web: Web, **body: Any) -> tuple[int, str, str]:
    """Status, code and message."""
    response = web.api(REDEPLOY, "POST", json=body)
    return *error(response), response.json()["detail"]


def test_a_redeploy_runs_the_newest_commit_again(pushed: Web, client: redis.Redis) -> None:
    end(pushed, client, State.SUCCEEDED)
    before = len(pushed.wake_ups())

    response = pushed.api(
        "targets/shop/redeploy", "POST", json={"reason": "new\x1b[31m key", "by": "ann"}
    )

    assert response.status_code == 202
    answer = response.json()
    assert (answer["target"], answer["deploy"], answer["outcome"]) == ("shop", "shop/2", "accepted")
    told = pushed.api("targets/shop/deploys/2").json()
    assert (told["reason"], told["requested_by"], told["note"]) == (
        "redeploy",
        "ann",
        "new [31m key",
    )
    assert told["commit"] == NEW
    assert len(pushed.wake_ups()) == before + 1


def test_a_redeploy_that_is_asked_for_twice_is_made_once(pushed: Web, client: redis.Redis) -> None:
    end(pushed, client, State.SUCCEEDED)
    key = {"Idempotency-Key": "the-same"}

    answers = [pushed.api("targets/shop/redeploy", "POST", headers=key) for _ in range(2)]

    assert [each.json()["deploy"] for each in answers] == ["shop/2", "shop/2"]
    assert len(pushed.api("targets/shop/deploys").json()["deploys"]) == 2


def test_a_redeploy_of_what_waits_is_that(pushed: Web) -> None:
    answer = pushed.api("targets/shop/redeploy", "POST").json()

    assert (answer["deploy"], answer["outcome"]) == ("shop/1", "coalesced")


def test_a_redeploy_of_what_never_was(web: Web) -> None:
    assert error(web.api("targets/shop/redeploy", "POST")) == (409, "never_deployed")
    assert error(web.api("targets/shpo/redeploy", "POST")) == (404, "unknown_target")


@pytest.mark.parametrize(
    "body", [b" ", b"{", b"[]", b'{"by": 1}', b'{"who": "ann"}', b'{"reason": "\xff"}', b"[" * 4000]
)
def test_a_redeploy_with_an_odd_body(pushed: Web, body: bytes) -> None:
    response = pushed.api("targets/shop/redeploy", "POST", content=body)

    assert error(response) == (400, "invalid_body")


def test_a_redeploy_with_too_much(pushed: Web) -> None:
    long = {"reason": "x" * 501}

    assert error(pushed.api("targets/shop/redeploy", "POST", json=long)) == (400, "invalid_body")
    assert error(pushed.api("targets/shop/redeploy", "POST", content=b"x" * 9000)) == (
        413,
        "body_too_large",
    )


@pytest.mark.parametrize("key", ["", "x" * 257, "a\tb", "a\x7f", "\xe9"])
def test_an_idempotency_key_is_printable_ascii_as_the_document_says(web: Web, key: str) -> None:
    sent = {"Idempotency-Key": key.encode("latin-1")}

    response = web.api("targets/shop/redeploy", "POST", headers=sent)

    assert error(response) == (400, "invalid_idempotency_key")


# What can be named


def test_a_deploy_of_the_history_is_how_to_roll_back(deployed: Web, client: redis.Redis) -> None:
    redeploy(deployed, commit=MIDDLE)
    end(deployed, client, State.FAILED)

    told = redeploy(deployed, deploy=1, by="ann", reason="shop/2 is broken")

    assert (told["deploy"], told["commit"], told["ref"]) == ("shop/3", NEW, "refs/heads/main")
    assert told["reason"] == f"commit {NEW[:8]} of main is deployed"
    shown = deployed.api("targets/shop/deploys/3").json()
    assert (shown["commit"], shown["title"]) == (NEW, "Fix the checkout")
    assert (shown["requested_by"], shown["note"]) == ("ann", "shop/2 is broken")


@pytest.mark.parametrize("ref", ["main", "refs/heads/main"])
def test_a_ref_can_be_short_where_it_can_be_one_only(deployed: Web, ref: str) -> None:
    told = redeploy(deployed, ref=ref)

    assert (told["commit"], told["ref"]) == (NEW, "refs/heads/main")


def test_commit_and_ref_are_taken_as_they_are_named(web: Web) -> None:
    web.api("targets/shop-releases/redeploy", "POST", json={"commit": NEW.upper(), "ref": "v1.2"})

    (deploy,) = web.api("targets/shop-releases/deploys").json()["deploys"]
    assert (deploy["commit"], deploy["ref"]) == (NEW, "refs/tags/v1.2")


def test_a_ref_that_can_be_two_has_to_be_named_in_full(web: Web) -> None:
    web.configure("branches: [main]", "branches: [main, v1]\n    tags: [v1]")

    status, code, message = refused(web, ref="v1", commit=NEW)

    assert (status, code) == (400, "ambiguous_ref")
    assert "refs/heads/v1 or refs/tags/v1" in message
    assert redeploy(web, ref="refs/tags/v1", commit=NEW)["ref"] == "refs/tags/v1"


@pytest.mark.parametrize("ref", ["next", "refs/heads/next", "refs/tags/v1"])
def test_a_ref_that_the_target_does_not_take(deployed: Web, ref: str) -> None:
    status, code, message = refused(deployed, ref=ref)

    assert (status, code) == (422, "ref_not_taken")
    assert repr(ref) in message
    assert "matches none of main" in message or "follows no tags" in message


@pytest.mark.parametrize("ref", ["", "refs/pull/1/head", "refs/heads/", "ma in", "x" * 2000])
def test_a_ref_that_is_none(deployed: Web, ref: str) -> None:
    status, code, message = refused(deployed, ref=ref)

    assert (status, code) == (400, "invalid_ref")
    assert "refs/heads/main" in message
    assert len(message) < 400


@pytest.mark.parametrize("commit", ["", NEW[:8], NEW + "0", "g" * 40, "0" * 40, "main", "x" * 999])
def test_a_commit_that_is_not_named_in_full(deployed: Web, commit: str) -> None:
    status, code, message = refused(deployed, commit=commit)

    assert (status, code) == (400, "invalid_commit")
    assert message.startswith(f"commit is {commit[:100]!r}, which is not a full commit id")
    assert "git rev-parse" in message


@pytest.mark.parametrize("more", [{"commit": NEW}, {"ref": "main"}, {"commit": NEW, "ref": "main"}])
def test_a_deploy_and_what_it_has_already_contradict(deployed: Web, more: dict[str, str]) -> None:
    status, code, message = refused(deployed, deploy=1, **more)

    assert (status, code) == (400, "contradiction")
    assert message.startswith(f"deploy and {next(iter(more))} contradict")


def test_a_deploy_that_is_not_there_any_more(deployed: Web) -> None:
    assert refused(deployed, deploy=7)[:2] == (404, "unknown_deploy")
    assert refused(deployed, deploy=0)[:2] == (400, "invalid_body")
    assert refused(deployed, deploy="1")[:2] == (400, "invalid_body")


def test_a_ref_that_nobody_pushed_needs_a_commit(web: Web) -> None:
    status, code, message = refused(web, ref="main")

    assert (status, code) == (409, "unknown_commit")
    assert message.endswith("name the commit as well")


def test_null_names_nothing(deployed: Web) -> None:
    assert redeploy(deployed, commit=None, ref=None, deploy=None)["commit"] == NEW


def test_while_the_target_is_paused_it_is_held(deployed: Web) -> None:
    deployed.api("targets/shop/pause", "POST")

    told = redeploy(deployed)

    assert (told["outcome"], told["deploy"]) == ("held", "shop/2")
    assert "the target is paused" in told["reason"]
