"""The Pod history of the demo and of the system tests goes on when the cluster comes back after an outage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dispatcher.local.kube import create_namespace, kube_client
from dispatcher.local.pod_history import PodHistory
from tests.contract.localprocess import LocalProcess, local_cluster
from tests.waiting import eventually


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalProcess]:
    with local_cluster(tmp_path) as running:
        yield running


@pytest.fixture
def history(cluster: LocalProcess) -> Iterator[PodHistory]:
    made = PodHistory(cluster.kubeconfig)
    made.start()
    yield made
    made.stop()


def run_pod(cluster: LocalProcess, name: str, script: str) -> None:
    body = {
        "metadata": {"name": name, "labels": {"git-dispatcher/target": "shop"}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "c", "image": "i", "command": ["sh", "-c", script]}],
        },
    }
    with kube_client(cluster.kubeconfig) as client:
        create_namespace(client, "default")
        answer = client.post("/api/v1/namespaces/default/pods", json=body)
        assert answer.status_code == httpx.codes.CREATED, answer.text


def seen(history: PodHistory) -> dict[str, bool]:
    """The Pods that ran, and whether each has ended."""
    return {run.pod: bool(run.ended) for run in list(history.runs.values())}


def test_two_pods_of_a_target_at_once_are_seen(cluster: LocalProcess, history: PodHistory) -> None:
    run_pod(cluster, "one", "sleep 60")
    assert eventually(lambda: seen(history) == {"one": False})

    run_pod(cluster, "two", "sleep 60")

    assert eventually(lambda: history.overlaps == ["two began while one ran"])
    assert history.most_at_once == 2


def test_a_cluster_that_was_killed_is_followed_from_where_it_was_left(
    cluster: LocalProcess, history: PodHistory
) -> None:
    run_pod(cluster, "one", "sleep 60")
    assert eventually(lambda: seen(history) == {"one": False})
    cluster.kill()

    with local_cluster(cluster.directory) as again:
        run_pod(again, "two", "sleep 60")

        assert eventually(lambda: seen(history) == {"one": True, "two": False})
        assert history.overlaps == []


def test_a_history_that_died_says_that_it_saw_nothing(cluster: LocalProcess) -> None:
    """What it has not seen would look like what has not happened."""

    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:
            raise LookupError("nobody thought of it")

    history = PodHistory(cluster.kubeconfig, tell)
    history.start()
    run_pod(cluster, "one", "sleep 60")

    assert eventually(lambda: history.trouble == "LookupError: nobody thought of it")
    assert "stopped watching" in lines[-1]
