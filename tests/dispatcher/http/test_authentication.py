"""Who asks the API, and what the log says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from dispatcher.http.log_throttle import EVERY, KINDS, LogThrottle
from dispatcher.ledger import Keys
from tests.dispatcher.http.web import OTHER_TOKEN, TOKEN, Web, error
from tests.dispatcher.webhooks.support import sent


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged, as it would be written."""
    found: list[dict[str, Any]] = []

    def take(_: object, __: str, event: Any) -> str:
        found.append(dict(event))
        return json.dumps(event, default=str)

    before = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, take])
    yield found
    structlog.configure(**before)


@pytest.fixture
def named(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    web = Web(tmp_path, redis_url, keys, tokens=f"{OTHER_TOKEN},ann={TOKEN}")
    with web:
        yield web
    web.clean_up()


@pytest.mark.parametrize("token", [TOKEN, OTHER_TOKEN])
def test_each_token_opens(web: Web, token: str) -> None:
    headers = {"Authorization": f"bearer {token}"}

    assert web.http.get("/api/v1/targets", headers=headers).status_code == 200


@pytest.mark.parametrize("sent_header", [None, "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}"])
@pytest.mark.parametrize("path", ["targets", "targets/shop/deploys", "nowhere"])
def test_without_a_token_nothing_is_shown(web: Web, path: str, sent_header: str | None) -> None:
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
    assert "DISPATCHER_API_TOKENS" in response.json()["detail"]


ORDERS = [
    ("pause", "targets/shop/pause"),
    ("resume", "targets/shop/resume"),
    ("pause", "pause"),
    ("resume", "resume"),
    ("redeploy", "targets/shop/redeploy"),
    ("cancel", "targets/shop/deploys/1/cancel"),
]


@pytest.mark.parametrize(("verb", "path"), ORDERS)
def test_an_order_is_logged_with_address_and_token(
    named: Web, lines: list[dict[str, Any]], verb: str, path: str
) -> None:
    named.deliver(sent("github/push__branch"))

    assert named.api(path, "POST", json={"by": "bob"}).is_success
    named.api(path, "POST", headers={"Authorization": f"Bearer {OTHER_TOKEN}"})

    told = [line for line in lines if line["event"] == verb]
    assert told[0] | {"address": "127.0.0.1", "token": "ann", "by": "bob"} == told[0]
    assert told[1] | {"address": "127.0.0.1", "token": "1 of 2"} == told[1]
    assert TOKEN not in str(lines)
    assert OTHER_TOKEN not in str(lines)


def test_a_replay_is_too(named: Web, lines: list[dict[str, Any]]) -> None:
    named.deliver(sent("github/push__branch"))
    (delivery,) = named.api("deliveries").json()["deliveries"]

    assert named.api(f"deliveries/{delivery['id']}/replay", "POST").is_success

    (told,) = [line for line in lines if line["event"] == "replay"]
    assert told | {"address": "127.0.0.1", "token": "ann"} == told


def test_who_is_refused_is_logged_but_cannot_fill_the_log(
    named: Web, lines: list[dict[str, Any]]
) -> None:
    guess = "Bearer somebody-who-guesses"
    for _ in range(50):
        assert named.api("targets", headers={"Authorization": guess}).status_code == 401
        assert named.api("targets/nobodys").status_code == 404

    told = [line for line in lines if line["event"] == "api request refused"]
    assert [line["cause"] for line in told] == ["unauthorized", "unknown_target"]
    assert told[0] | {"address": "127.0.0.1", "path": "/api/v1/targets", "method": "GET"} == told[0]
    assert "token" not in told[0]
    assert told[1]["token"] == "ann"
    assert "guesses" not in str(lines)


def test_the_next_request_has_nothing_of_the_one_before(
    named: Web, lines: list[dict[str, Any]]
) -> None:
    named.api("pause", "POST")
    named.deliver(sent("github/push__branch"))

    (told,) = [line for line in lines if line["event"] == "delivery"]
    assert "token" not in told


def test_a_name_is_no_part_of_the_token(named: Web) -> None:
    refused = named.api("targets", headers={"Authorization": f"Bearer ann={TOKEN}"})

    assert error(refused) == (401, "unauthorized")


def test_what_is_throttled_is_logged_with_its_number() -> None:
    now = 0.0
    throttle = LogThrottle(lambda: now)

    said = [throttle.count("a", "b") for _ in range(5)]
    now = EVERY
    said += [throttle.count("a", "b"), throttle.count("a", "b"), throttle.count("other")]

    assert said == [1, 0, 0, 0, 0, 5, 0, 1]
    for number in range(10 * KINDS):
        throttle.count(str(number))
    assert len(throttle._logged) == KINDS
