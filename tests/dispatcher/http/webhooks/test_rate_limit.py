"""Too many failures: 429 takes the place of 401, for unauthenticated requests only; nobody else pays for it."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import redis
from structlog.testing import capture_logs

from dispatcher.ledger import Keys
from dispatcher.local.ports import free_port
from tests.dispatcher.http.web import Web, error, results
from tests.dispatcher.webhooks.support import SECRET, Sent, hmac_of, sent

PUSH = sent("github/push__branch")
FORGED = PUSH.but(headers={"X-Hub-Signature-256": hmac_of(b"something else")})


def strict(folder: Path, redis_url: str, keys: Keys, address: int = 3, hook: int = 0) -> Web:
    """Its proxy is the test itself, which says who it is in X-Forwarded-For."""
    web = Web(folder, redis_url, keys)
    web.environ |= {
        "DISPATCHER_FAILURES_PER_ADDRESS": str(address),
        "DISPATCHER_FAILURES_PER_HOOK": str(hook),
        "DISPATCHER_TRUSTED_PROXIES": "127.0.0.0/8",
    }
    return web


@pytest.fixture
def web(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    with strict(tmp_path, redis_url, keys) as web:
        yield web
    web.clean_up()


def from_(address: str, delivery: Sent = FORGED) -> Sent:
    return delivery.but(headers={**delivery.headers, "X-Forwarded-For": address})


def statuses(web: Web, *deliveries: Sent, hook: str = "") -> list[int]:
    return [web.deliver(each, hook).status_code for each in deliveries]


def test_after_some_failures_the_answer_is_429_and_says_when_to_come_again(web: Web) -> None:
    assert statuses(web, *[from_("203.0.113.9")] * 3) == [401] * 3

    response = web.deliver(from_("203.0.113.9"))

    assert error(response) == (429, "too_many_failures")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert statuses(web, from_("203.0.113.10")) == [401]


def test_an_authenticated_delivery_is_taken_whatever_came_before(web: Web) -> None:
    assert statuses(web, *[from_("203.0.113.9")] * 9)[-1] == 429

    assert results(web.deliver(from_("203.0.113.9", PUSH)))["shop"] == "accepted"


def test_an_authenticated_delivery_that_cannot_be_read_is_no_such_failure(web: Web) -> None:
    unreadable = PUSH.but(body=b'{"ref": ')

    assert statuses(web, *[from_("203.0.113.9", unreadable)] * 6) == [400] * 6


def test_a_hook_that_is_not_there_is_answered_alike(web: Web) -> None:
    there = [web.deliver(from_("203.0.113.1")) for _ in range(5)]
    nowhere = [web.deliver(from_("203.0.113.2"), "nobodys") for _ in range(5)]

    assert [each.status_code for each in there] == [401, 401, 401, 429, 429]
    assert [(e.status_code, e.content) for e in nowhere] == [
        (e.status_code, e.content) for e in there
    ]


def test_a_whole_network_of_ipv6_counts_as_one(web: Web) -> None:
    senders = [from_(f"2001:db8:1:2::{n}") for n in range(1, 5)]

    assert statuses(web, *senders, from_("2001:db8:1:3::1")) == [401, 401, 401, 429, 401]


def test_a_hook_has_a_limit_however_many_addresses(
    tmp_path: Path, redis_url: str, keys: Keys
) -> None:
    with strict(tmp_path, redis_url, keys, address=0, hook=3) as web:
        senders = [from_(f"203.0.113.{n}") for n in range(1, 5)]
        assert statuses(web, *senders) == [401, 401, 401, 429]
        assert statuses(web, *senders, hook="gitlab") == [401, 401, 401, 429]
        assert statuses(web, PUSH) == [202]
    web.clean_up()


def test_processes_share_what_they_count(tmp_path: Path, redis_url: str, keys: Keys) -> None:
    (tmp_path / "other").mkdir()
    with (
        strict(tmp_path, redis_url, keys) as one,
        strict(tmp_path / "other", redis_url, keys) as other,
    ):
        assert statuses(one, *[from_("203.0.113.9")] * 3) == [401] * 3
        assert statuses(other, from_("203.0.113.9")) == [429]
    one.clean_up()
    other.clean_up()


def test_an_authenticated_delivery_asks_the_ledger_nothing_more(
    web: Web, client: redis.Redis, keys: Keys
) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: web.deliver(sent("github/ping__webhook")), range(20)))

    assert {each.status_code for each in answers} == {200}
    assert not [*client.scan_iter(match=f"{keys.prefix}failures:*")]


@pytest.mark.parametrize("hangs", [False, True], ids=["away", "hangs"])
def test_without_the_ledger_an_unauthenticated_answer_does_not_say_so(
    tmp_path: Path, keys: Keys, hangs: bool
) -> None:
    def ask(port: int) -> list[httpx.Response]:
        with strict(tmp_path, f"redis://127.0.0.1:{port}/0", keys, address=1) as web:
            return [web.deliver(FORGED) for _ in range(6)] + [web.deliver(FORGED, "nobodys")]

    if hangs:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            answers = ask(listener.getsockname()[1])
    else:
        answers = ask(free_port())

    assert {error(each) for each in answers} == {(401, "unauthorized")}
    assert max(each.elapsed.total_seconds() for each in answers) < 1.5


def test_the_log_says_it_once(web: Web) -> None:
    with capture_logs() as logs:
        for _ in range(10):
            web.deliver(from_("203.0.113.9"), "no%0Abody")

    refused = [each for each in logs if "deliver" in each["event"]]
    assert [each["event"] for each in refused] == [
        *["delivery rejected"] * 3,
        "rate limit of rejected deliveries exceeded",
    ]
    assert {(each["hook"], each["address"]) for each in refused} == {("no?body", "203.0.113.9")}


def test_no_log_holds_a_secret_a_signature_or_a_body(
    web: Web, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    marked = PUSH.with_fields(padding="MARKED BODY")
    token = sent("gitlab/push_hook__branch").but(headers={"X-Gitlab-Token": "MARKED TOKEN"})
    broken = marked.but(body=b'{"ref": "MARKED BODY')

    with capture_logs() as logs:
        for each in (marked, from_("203.0.113.9", marked), FORGED, token, broken):
            web.deliver(each)
        web.http.get("/api/v1/targets", headers={"Authorization": "Bearer MARKED TOKEN"})
    sys.stdout.flush()

    said = str(logs) + caplog.text + "".join(capsys.readouterr())
    for secret in (SECRET.decode(), "MARKED", hmac_of(marked.body), hmac_of(b"something else")):
        assert secret.removeprefix("sha256=") not in said
