"""The port of a worker's or watcher's metrics holds nothing up, whatever comes to it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest
from structlog.testing import capture_logs

from dispatcher.domain.errors import UsageError
from dispatcher.metrics.registry import Registry, Samples
from dispatcher.metrics.server import AT_ONCE, MetricsServer
from tests.waiting import eventually

LOOPBACK = "127.0.0.1"


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    server = MetricsServer(Registry("worker"), LOOPBACK, 0, within=0.3)
    server.start()
    yield server
    server.stop()


def get(server: MetricsServer, path: str = "/metrics") -> httpx.Response:
    with httpx.Client(trust_env=False, verify=False) as client:
        return client.get(f"http://{LOOPBACK}:{server.port}{path}")


def test_it_serves_the_metrics_and_nothing_else(server: MetricsServer) -> None:
    found = get(server)

    assert 'git_dispatcher_build_info{process="worker"' in found.text
    assert found.headers["content-type"].startswith("text/plain; version=")
    assert "Python" not in found.headers["server"]
    assert get(server, "/").status_code == 404
    assert get(server, "/metrics/../etc").status_code == 404


def test_a_scrape_that_fails_is_said_and_is_no_end(server: MetricsServer) -> None:
    failing = [True]

    def read() -> dict[str, Samples]:
        return {"leader": {(): 1 / (not failing[0])}}

    server.registry.collect(("leader",), read)
    with capture_logs() as logs:
        assert get(server).status_code == 500
    failing[0] = False

    assert [each["event"] for each in logs] == ["metrics could not be collected"]
    assert get(server).status_code == 200


def test_a_client_that_says_nothing_is_cut_off(server: MetricsServer) -> None:
    with socket.create_connection((LOOPBACK, server.port)) as client:
        client.settimeout(60)
        client.sendall(b"GET /metrics HT")
        assert client.recv(100) == b""


def test_so_many_at_a_time_and_no_more() -> None:
    server = MetricsServer(Registry("worker"), LOOPBACK, 0, within=60)
    server.start()
    held = [socket.create_connection((LOOPBACK, server.port)) for _ in range(AT_ONCE)]
    try:
        with socket.create_connection((LOOPBACK, server.port)) as one_more:
            one_more.settimeout(60)
            assert one_more.recv(100) == b""
        for each in held:
            each.close()
        assert eventually(lambda: answers(server))
    finally:
        server.stop()


def answers(server: MetricsServer) -> bool:
    try:
        return get(server).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_port_that_is_taken_is_said_at_once(server: MetricsServer) -> None:
    with pytest.raises(UsageError, match=r"DISPATCHER_METRICS_PORT"):
        MetricsServer(Registry("worker"), LOOPBACK, server.port)


def test_two_registries_share_nothing() -> None:
    one, other = Registry("web"), Registry("web")
    one.counter("pushes_total").labels("github", "accepted").inc()
    other.counter("pushes_total")

    assert b"pushes_total{" in one.scraped("")[0]
    assert b"pushes_total{" not in other.scraped("")[0]
