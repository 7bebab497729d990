"""Secrets of hooks: several, from variables and files, changed while web runs; and which are still used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from dispatcher.ledger import Keys
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.webhooks.support import Sent, hmac_of, sent
from tests.waiting import eventually

PING = "github/ping__webhook"
OLD, NEW = b"the old one", b"the new one"


def signed(secret: bytes) -> Sent:
    delivery = sent(PING)
    return delivery.but(headers={"X-Hub-Signature-256": hmac_of(delivery.body, secret)})


@pytest.fixture
def web(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    """Its hook `github` takes what is in a file, and what OLD_SECRET says."""
    (tmp_path / "secret").write_bytes(OLD)
    web = Web(tmp_path, redis_url, keys)
    text = web.config.read_text()
    web.config.write_text(text.replace("{env: HOOK_SECRET}", "{file: secret}", 1))
    with web:
        yield web
    web.clean_up()


def last_used(web: Web) -> dict[str, str | None]:
    hook = web.api("hooks").json()["hooks"][0]
    assert hook["name"] == "github"
    return {each["source"].rpartition("/")[2]: each["last_used"] for each in hook["secrets"]}


def test_a_secret_s_file_that_changes_counts_without_a_restart(web: Web, tmp_path: Path) -> None:
    assert web.deliver(signed(OLD)).status_code == 200
    assert web.deliver(signed(NEW)).status_code == 401

    (tmp_path / "secret").write_bytes(NEW + b"\n")

    assert eventually(lambda: web.deliver(signed(NEW)).status_code == 200)
    assert web.deliver(signed(OLD)).status_code in (401, 429)  # many were refused meanwhile


def test_a_file_that_is_empty_for_a_moment_breaks_nothing(web: Web, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"")
    assert web.deliver(signed(OLD)).status_code == 200

    (tmp_path / "secret").write_bytes(NEW)
    assert eventually(lambda: web.deliver(signed(NEW)).status_code == 200)


def test_when_each_was_last_used(web: Web) -> None:
    assert last_used(web) == {"env OLD_SECRET": None, "secret": None}

    web.deliver(signed(b"the one before"))

    assert eventually(lambda: last_used(web)["env OLD_SECRET"])
    used = last_used(web)
    assert used["secret"] is None
    moment = datetime.fromisoformat(str(used["env OLD_SECRET"]))
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60


def test_a_hook_is_shown_with_sources_and_never_with_values(web: Web) -> None:
    response = web.api("hooks")

    github, gitlab, plain = response.json()["hooks"]
    assert (github["provider"], github["repositories"]) == ("github", ["github.com/acme/*"])
    assert github["insecure"] is False
    assert [each["source"].split()[0] for each in github["secrets"]] == ["env", "file"]
    assert (gitlab["name"], plain["name"]) == ("gitlab", "plain")
    for secret in ("the one before", OLD.decode(), web.environ["HOOK_SECRET"]):
        assert secret not in response.text


def test_an_unauthenticated_request_is_counted_by_hook_and_reason(
    web: Web, client: redis.Redis
) -> None:
    for _ in range(3):
        web.deliver(signed(NEW))
    unsigned = {"X-Hub-Signature-256": None, "X-Hub-Signature": None}
    web.deliver(sent(PING).but(headers=unsigned))
    for name in ("nobodys", "nothing", "x" * 60):
        web.deliver(signed(OLD), name)

    told = web.api("hooks").json()

    assert told["hooks"][0]["rejected"] == {"signature_mismatch": 3, "signature_missing": 1}
    assert told["hooks"][1]["rejected"] == {}
    assert told["unknown"] == {"signature_mismatch": 3}
    assert client.hlen(web.keys.rejections) == 3
    assert not client.exists(web.keys.delivery_log_order)


def test_counts_of_a_web_that_stops_are_not_lost(
    tmp_path: Path, redis_url: str, keys: Keys
) -> None:
    with Web(tmp_path, redis_url, keys) as first:
        first.deliver(signed(NEW))
    with Web(tmp_path, redis_url, keys) as second:
        rejected = second.api("hooks").json()["hooks"][0]["rejected"]
        assert rejected == {"signature_mismatch": 1}
    first.clean_up()


def test_an_insecure_hook_takes_unauthenticated_deliveries(
    tmp_path: Path, redis_url: str, keys: Keys
) -> None:
    web = Web(tmp_path, redis_url, keys)
    text = web.config.read_text()
    secrets = "secrets: [{env: OLD_SECRET}, {env: HOOK_SECRET}]"
    assert secrets in text
    web.config.write_text(text.replace(secrets, "insecure: true"))
    unsigned = sent("github/push__branch").but(headers={"X-Hub-Signature-256": None})
    with web:
        assert web.deliver(unsigned).status_code == 202
        assert error(web.deliver(sent("generic/push__branch").but(secrets=()), "gitlab"))[0] == 401
        hook = web.api("hooks").json()["hooks"][0]
        (kept,) = web.api("deliveries").json()["deliveries"]
    web.clean_up()

    assert (hook["insecure"], hook["secrets"]) == (True, [])
    assert kept["secret"] == ""
