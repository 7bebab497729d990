"""What befalls the node of a local cluster: losing its power, running short, being repainted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from dispatcher.local.cluster.apimachinery.nodes import POWER, PRESSURE
from tests.contract.cluster import FOREVER, STUBBORN, Cluster, container, pod
from tests.contract.localprocess import LocalProcess, local_cluster
from tests.contract.waiting import condition, finished_pod, first_pod, until_gone, until_one
from tests.dispatcher.local.cluster.test_lifecycle import cluster_of, family, is_alive


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalProcess]:
    with local_cluster(tmp_path / "state", "--pod-backoff", "0.2") as running:
        yield running


@pytest.fixture
def cluster(local: LocalProcess) -> Cluster:
    return cluster_of(local.kubeconfig)


def annotate(cluster: Cluster, name: str, value: str | None) -> None:
    cluster.core.patch_node("local", {"metadata": {"annotations": {name: value}}})


def pods(cluster: Cluster) -> list[Any]:
    return list(cluster.core.list_namespaced_pod("default").items)


def node_until(cluster: Cluster, kind: str, status: str) -> Any:
    def is_so(node: Any) -> bool:
        return any(each.type == kind and each.status == status for each in node.status.conditions)

    return until_one(lambda _, **more: cluster.core.list_node(**more), "", "local", is_so)


def until_pod(cluster: Cluster, name: str, holds: Any) -> Any:
    return until_one(cluster.core.list_namespaced_pod, "default", name, holds)


def test_without_power_everything_is_dead_and_nothing_is_said(cluster: Cluster) -> None:
    processes = family(cluster)
    annotate(cluster, POWER, "off")
    node_until(cluster, "Ready", "Unknown")
    (running,) = pods(cluster)
    assert running.status.phase == "Running"
    assert not any(is_alive(each) for each in processes)
    cluster.delete_pod(running.metadata.name)
    (stuck,) = pods(cluster)
    assert stuck.metadata.deletion_timestamp
    with pytest.raises(client.ApiException) as error:
        cluster.log(running.metadata.name)
    assert error.value.status == 500


def test_with_its_power_back_the_node_says_what_it_finds(cluster: Cluster) -> None:
    family(cluster)
    deleted = cluster.create_pod(pod(container(FOREVER))).metadata.name
    until_pod(cluster, deleted, lambda pod: pod.status.phase == "Running")
    annotate(cluster, POWER, "off")
    node_until(cluster, "Ready", "Unknown")
    cluster.delete_pod(deleted)
    annotate(cluster, POWER, None)
    node_until(cluster, "Ready", "True")
    until_gone(cluster.core.list_namespaced_pod, "default", deleted)
    (left,) = pods(cluster)
    ended = finished_pod(cluster, left.metadata.name)
    assert ended.status.phase == "Failed"
    state = ended.status.container_statuses[0].state.terminated
    assert (state.reason, state.exit_code) == ("ContainerStatusUnknown", 137)


def test_only_by_force_a_pod_leaves_a_dead_node(cluster: Cluster) -> None:
    name = cluster.create_pod(pod(container(STUBBORN))).metadata.name
    until_pod(cluster, name, lambda pod: pod.status.phase == "Running")
    annotate(cluster, POWER, "off")
    cluster.delete_pod(name)
    assert pods(cluster)
    cluster.delete_pod(name, grace_period_seconds=0)
    assert not pods(cluster)
    annotate(cluster, POWER, None)
    assert finished_pod(cluster, cluster.create_pod(pod(container("true"))).metadata.name)


def test_a_dead_node_is_dead_after_a_restart(local: LocalProcess, cluster: Cluster) -> None:
    family(cluster)
    annotate(cluster, POWER, "off")
    node_until(cluster, "Ready", "Unknown")
    local.kill()
    with local_cluster(local.directory):
        assert [each.status.phase for each in pods(cluster)] == ["Running"]
        annotate(cluster, POWER, None)
        assert finished_pod(cluster, pods(cluster)[0].metadata.name).status.phase == "Failed"


def test_nothing_is_placed_on_a_node_without_power(cluster: Cluster) -> None:
    annotate(cluster, POWER, "off")
    node_until(cluster, "Ready", "Unknown")
    name = cluster.create_pod(pod(container("true"))).metadata.name
    stuck = until_pod(cluster, name, lambda pod: pod.status.conditions)
    assert "node.kubernetes.io/unreachable" in stuck.status.conditions[0].message
    annotate(cluster, POWER, None)
    assert finished_pod(cluster, name).status.phase == "Succeeded"


# https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
def test_short_of_memory_a_node_evicts_its_pods(cluster: Cluster) -> None:
    job = cluster.create_job(FOREVER, backoffLimit=1)
    name = first_pod(cluster, job.metadata.name).metadata.name
    annotate(cluster, PRESSURE, "memory")
    ended = finished_pod(cluster, name)
    assert (ended.status.phase, ended.status.reason) == ("Failed", "Evicted")
    assert "low on resource: memory" in ended.status.message
    assert condition(ended, "DisruptionTarget").reason == "TerminationByKubelet"
    node_until(cluster, "MemoryPressure", "True")
    annotate(cluster, PRESSURE, None)
    assert first_pod(cluster, job.metadata.name).metadata.name != name


# https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
def test_a_taint_keeps_pods_away_or_drives_them_out(cluster: Cluster) -> None:
    name = cluster.create_pod(pod(container(FOREVER))).metadata.name
    tough = pod(container(FOREVER), tolerations=[{"key": "rent", "operator": "Exists"}])
    stays = cluster.create_pod(tough).metadata.name
    for each in (name, stays):
        until_pod(cluster, each, lambda pod: pod.status.phase == "Running")
    taint = {"key": "rent", "value": "due", "effect": "NoExecute"}
    cluster.core.patch_node("local", {"spec": {"taints": [taint]}})
    until_gone(cluster.core.list_namespaced_pod, "default", name)
    assert [each.metadata.name for each in pods(cluster)] == [stays]


def test_a_cordoned_node_takes_no_more_pods(cluster: Cluster) -> None:
    cluster.core.patch_node("local", {"spec": {"unschedulable": True}})
    name = cluster.create_pod(pod(container("true"))).metadata.name
    stuck = until_pod(cluster, name, lambda pod: pod.status.conditions)
    assert "1 node(s) were unschedulable" in stuck.status.conditions[0].message
    cluster.core.patch_node("local", {"spec": {"unschedulable": None}})
    assert finished_pod(cluster, name).status.phase == "Succeeded"
