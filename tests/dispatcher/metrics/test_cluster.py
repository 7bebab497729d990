"""Requests to the API server, counted by verb, resource and status."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.errors import ClusterError, ClusterUnavailable
from dispatcher.metrics.cluster import ClusterMetrics
from dispatcher.metrics.registry import Registry
from tests.dispatcher.metrics.scrapes import Scrape
from workers.kube.circuit_breaker import SLOW_SECONDS, CircuitBreaker
from workers.kube.client import NO_ANSWER, Access, Cluster

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: u, user: {{token: t}}}}]
"""


class Answers(BaseHTTPRequestHandler):
    """Lists are empty; nothing else is there."""

    def do_GET(self) -> None:
        is_list = self.command == "GET" and self.path.partition("?")[0].rpartition("/")[2] in (
            "jobs",
            "pods",
            "events",
        )
        body = json.dumps({"metadata": {"resourceVersion": "1"}, "items": []} if is_list else {})
        self.send_response(200 if is_list else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def cluster(folder: Path, port: int, registry: Registry) -> Cluster:
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(port=port))
    metrics = ClusterMetrics(registry)
    made = Cluster(Access(str(kubeconfig)), requested=metrics.requested)
    metrics.follow(made.open_circuits)
    return made


def test_each_request_is_counted_in_kubernetes_own_words(tmp_path: Path, port: int) -> None:
    registry = Registry("worker")
    api = cluster(tmp_path, port, registry)
    api.list_jobs("ns", "")
    api.list_pods("", "")
    api.events("ns", "uid")
    for refused in (
        lambda: api.job("ns", "shop-1"),
        lambda: api.log_tail("ns", "shop-1-x", ""),
        lambda: api.create_job({"metadata": {"name": "shop-1", "namespace": "jobs"}}),
    ):
        with pytest.raises(ClusterError):
            refused()
    api.watch("pod", "ns", "", "1", 1).shutdown()
    api.delete_job("ns", "shop-1", "uid")

    found = Scrape.of(registry)

    counted = {
        tuple(sorted(labels)): value
        for (name, labels), value in found.samples.items()
        if name == "kubernetes_requests_total"
    }
    assert counted == {
        tuple(sorted({"verb": verb, "resource": resource, "code": code}.items())): 1
        for verb, resource, code in (
            ("list", "jobs", "200"),
            ("list", "pods", "200"),
            ("list", "events", "200"),
            ("get", "jobs", "404"),
            ("get", "pods/log", "404"),
            ("create", "jobs", "404"),
            ("delete", "jobs", "404"),
            ("watch", "pods", "200"),
        )
    }


def test_no_answer_is_a_code_too(tmp_path: Path) -> None:
    registry = Registry("worker")
    with pytest.raises(ClusterError):
        cluster(tmp_path, 1, registry).job("ns", "shop-1")

    labels = {"verb": "get", "resource": "jobs", "code": NO_ANSWER}
    assert Scrape.of(registry).value("kubernetes_requests_total", **labels) == 1


def test_open_circuits_are_named_while_they_are_open() -> None:
    now = [100.0]
    breaker, registry = CircuitBreaker(lambda: now[0]), Registry("worker")
    ClusterMetrics(registry).follow(breaker.open_now)
    for path in ("/apis/batch/v1/namespaces/ns/jobs", "/apis/batch/v1/jobs"):
        with suppress(ClusterUnavailable), breaker.guard("list Jobs", path):
            now[0] += SLOW_SECONDS
            raise ClusterUnavailable("no answer")

    found = Scrape.of(registry)
    now[0] += 60

    assert found.value("kubernetes_circuit_open", namespace="ns") == 1
    assert found.value("kubernetes_circuit_open", namespace="") == 1
    assert not Scrape.of(registry).has("kubernetes_circuit_open")
