"""What web's /metrics says, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.domain.outcome import Outcome
from dispatcher.ledger import Keys
from dispatcher.metrics.registry import Registry
from dispatcher.metrics.web import MOST_EVENTS, OTHER, WebMetrics
from tests.dispatcher.http.web import TOKEN, Web, error
from tests.dispatcher.metrics.scrapes import Scrape
from tests.dispatcher.webhooks.support import sent
from tests.waiting import eventually

BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def web(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    with Web(tmp_path, redis_url, keys) as web:
        yield web
    web.clean_up()


def scrape(web: Web) -> Scrape:
    answer = web.http.get("/metrics")
    assert answer.status_code == 200
    return Scrape(answer.text)


def test_deliveries_are_counted_by_hook_event_and_outcome(web: Web) -> None:
    web.deliver(sent("github/push__branch"))
    web.deliver(sent("github/ping__webhook"))

    found = scrape(web)

    counted = {"hook": "github", "event": "push"}
    assert found.value("deliveries_total", outcome="deployed", **counted) == 1
    assert found.value("deliveries_total", hook="github", event="ping", outcome="ignored") == 1
    assert found.value("pushes_total", hook="github", outcome=Outcome.ACCEPTED)
    assert found.value("delivery_duration_seconds_count") == 2
    assert found.value("ledger_up") == found.value("ledger_writable") == 1
    assert found.value("config_last_load_successful") == 1
    assert found.value("ledger_round_trip_duration_seconds_count")


def test_refused_requests_are_counted_by_hook_and_reason(web: Web) -> None:
    for hook in ("github", "no-such-hook"):
        assert web.http.post(f"/webhooks/{hook}", content=b"{}").status_code == 401

    found = scrape(web)

    assert found.value("rejections_total", hook="github", reason="signature_missing") == 1
    assert found.value("rejections_total", hook="", reason="signature_missing") == 1
    assert not found.has("deliveries_total")


def test_past_the_limit_the_reason_is_the_limit(tmp_path: Path, redis_url: str, keys: Keys) -> None:
    limited = Web(tmp_path, redis_url, keys)
    limited.environ["DISPATCHER_FAILURES_PER_ADDRESS"] = "1"
    with limited as web:
        codes = [web.http.post("/webhooks/github", content=b"{}").status_code for _ in range(3)]
        found = scrape(web)

    assert codes == [401, 429, 429]
    assert found.value("rejections_total", hook="github", reason="too_many_failures") == 2


def test_a_delivery_that_redis_did_not_record_is_counted(tmp_path: Path, keys: Keys) -> None:
    with Web(tmp_path, f"unix://{tmp_path}/no.sock", keys) as web:
        assert web.deliver(sent("github/push__branch")).status_code == 503
        found = scrape(web)

    labels = {"hook": "github", "event": "push", "outcome": "unavailable"}
    assert found.value("deliveries_total", **labels) == 1
    assert found.value("rejections_total", hook="github", reason="ledger_unavailable") == 1
    assert found.value("ledger_up") == found.value("ledger_writable") == 0
    assert found.value("ledger_errors_total", error="connection")


def test_a_refused_configuration_shows(web: Web) -> None:
    before = scrape(web).value("config_fingerprint")
    web.configure("branches: [main]", "branches: [main, next]")
    changed = scrape(web)
    web.config.write_text("version: 2")

    def refused() -> bool:
        return scrape(web).value("config_last_load_successful") == 0

    assert eventually(refused)
    assert changed.value("config_fingerprint") != before
    assert scrape(web).value("config_fingerprint") == changed.value("config_fingerprint")


# Who may read them


@pytest.fixture
def closed(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    """For nobody without a token."""
    web = Web(tmp_path, redis_url, keys)
    web.environ["DISPATCHER_METRICS_FROM"] = "192.0.2.1"
    with web:
        yield web


def test_others_need_a_token(closed: Web) -> None:
    assert error(closed.http.get("/metrics")) == (401, "unauthorized")
    assert closed.http.get("/metrics", headers=BEARER).status_code == 200
    assert error(
        closed.http.get("/metrics", headers={"Authorization": "Bearer nonsense-0123456789"})
    ) == (
        401,
        "unauthorized",
    )


def test_a_token_that_is_limited_to_targets_is_not_enough(closed: Web) -> None:
    made = closed.api("tokens", "POST", json={"name": "one", "role": "read", "targets": ["shop"]})
    token = made.json()["token"]

    refused = closed.http.get("/metrics", headers={"Authorization": f"Bearer {token}"})

    assert error(refused) == (403, "forbidden")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_came_through_a_proxy_on_this_machine_is_not_of_this_machine(
    web: Web, header: str
) -> None:
    assert error(web.http.get("/metrics", headers={header: "127.0.0.1"})) == (401, "unauthorized")


def test_behind_a_trusted_proxy_the_senders_own_address_counts(
    tmp_path: Path, redis_url: str, keys: Keys
) -> None:
    proxied = Web(tmp_path, redis_url, keys)
    proxied.environ |= {
        "DISPATCHER_TRUSTED_PROXIES": "127.0.0.1",
        "DISPATCHER_METRICS_FROM": "192.0.2.0/24",
    }
    with proxied as web:
        answers = [
            web.http.get("/metrics", headers={"X-Forwarded-For": address}).status_code
            for address in ("192.0.2.7", "198.51.100.7")
        ]

    assert answers == [200, 401]


def test_open_metrics_is_spoken_where_it_is_preferred(web: Web) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}

    answer = web.http.get("/metrics", headers=accept)

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


# Bounds


def test_names_of_events_are_bounded() -> None:
    metrics = WebMetrics(Registry("web"))
    names = ["abcdefghijklmnopqrstuvwxyz"[n % 26] * (1 + n // 26) for n in range(3 * MOST_EVENTS)]
    for name in [*names, *names, "1f2ad26", "10.0.0.1", "<b>", "x" * 50]:
        metrics.delivered("github", name, "ignored", 0.01)

    found = Scrape.of(metrics.registry)

    events = {dict(labels)["event"] for name, labels in found.samples if name == "deliveries_total"}
    assert len(events) == MOST_EVENTS + 1
    assert OTHER in events
    assert all(event.isalpha() for event in events)
