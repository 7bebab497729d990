"""What a real cluster does every five minutes, and the local one when it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kubernetes import client

from tests.contract.cluster import Cluster, refusal
from tests.contract.localprocess import local_cluster
from tests.contract.waiting import stream
from tests.dispatcher.local.cluster.test_lifecycle import cluster_of


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with local_cluster(tmp_path) as running:
        yield cluster_of(running.kubeconfig)


def compact(cluster: Cluster) -> None:
    assert cluster.raw("POST", "/local/compact", {})[0] == 200


def test_a_watch_from_before_has_expired_and_one_that_runs_goes_on(cluster: Cluster) -> None:
    call = cluster.batch.list_namespaced_job
    before = call("default").metadata.resource_version
    with closing(stream(call, "default", resource_version=before, timeout_seconds=30)) as running:
        cluster.create_job("true", suspend=True)
        assert next(running)["type"] == "ADDED"

        compact(cluster)

        with pytest.raises(client.ApiException) as error:
            next(stream(call, "default", resource_version=before, timeout_seconds=5))
        assert error.value.status == 410
        name = cluster.create_job("true", suspend=True).metadata.name
        added = next(event for event in running if event["type"] == "ADDED")
        assert added["object"].metadata.name == name


def test_a_page_from_before_has_expired_and_says_how_to_go_on(cluster: Cluster) -> None:
    for _ in range(3):
        cluster.create_job("true", suspend=True)
    call = cluster.batch.list_namespaced_job
    first = call("default", limit=2)
    cluster.delete_job(first.items[0].metadata.name)
    compact(cluster)

    with pytest.raises(client.ApiException) as error:
        call("default", limit=2, _continue=first.metadata._continue)
    status = refusal(error)
    assert (status["code"], status["reason"]) == (410, "Expired")

    rest = call("default", limit=2, _continue=status["metadata"]["continue"])
    assert len(rest.items) == 1
    assert rest.items[0].metadata.name > first.items[-1].metadata.name
