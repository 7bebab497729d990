"""Lists that are limited by labels and fields."""

from __future__ import annotations

import pytest
from kubernetes import client

from tests.contract.cluster import Cluster, container, job, pod
from tests.contract.waiting import finished_job, finished_pod


@pytest.fixture
def three(cluster: Cluster) -> Cluster:
    """Jobs `a`, `b` and `c`; `c` is labelled differently."""
    for name, labels in (
        ("a", {"app": "shop", "tier": "one"}),
        ("b", {"app": "shop", "tier": "two"}),
        ("c", {"app": "docs"}),
    ):
        body = job(name=name, labels=labels, suspend=True)
        cluster.batch.create_namespaced_job(cluster.namespace, body)
    return cluster


# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("app=shop", ["a", "b"]),
        ("app==shop,tier=one", ["a"]),
        ("app!=shop", ["c"]),
        ("tier!=one", ["b", "c"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c"]),
        ("app in (shop,docs)", ["a", "b", "c"]),
        ("app in (shop),tier notin (one)", ["b"]),
        ("tier notin (one,two)", ["c"]),
        ("app=nothing", []),
    ],
)
def test_labels_select(three: Cluster, selector: str, names: list[str]) -> None:
    found = three.batch.list_namespaced_job(three.namespace, label_selector=selector).items
    assert sorted(each.metadata.name for each in found) == names


def test_a_name_selects(three: Cluster) -> None:
    found = three.batch.list_namespaced_job(three.namespace, field_selector="metadata.name=b").items
    assert [each.metadata.name for each in found] == ["b"]


# https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
def test_success_selects_jobs(cluster: Cluster) -> None:
    done = cluster.create_job("true").metadata.name
    finished_job(cluster, done)
    cluster.create_job("true", suspend=True)
    for selector, count in (("status.successful=1", 1), ("status.successful!=1", 1)):
        found = cluster.batch.list_namespaced_job(cluster.namespace, field_selector=selector)
        assert len(found.items) == count


def test_phase_and_node_select_pods(cluster: Cluster) -> None:
    name = cluster.create_pod(pod(container("true"))).metadata.name
    node = finished_pod(cluster, name).spec.node_name
    call = cluster.core.list_namespaced_pod
    for selector in ("status.phase=Succeeded", f"spec.nodeName={node}", "status.phase!=Running"):
        assert len(call(cluster.namespace, field_selector=selector).items) == 1
    assert call(cluster.namespace, field_selector="spec.nodeName=").items == []


def test_most_fields_do_not_select(cluster: Cluster) -> None:
    with pytest.raises(client.ApiException) as error:
        cluster.batch.list_namespaced_job(cluster.namespace, field_selector="spec.suspend=true")
    assert error.value.status == 400
    assert 'field label \\"spec.suspend\\" not supported for Job' in str(error.value.body)


def test_which_fields_select_depends_on_the_kind(cluster: Cluster) -> None:
    with pytest.raises(client.ApiException) as error:
        cluster.core.list_namespaced_pod(cluster.namespace, field_selector="spec.hostname=local")
    assert error.value.status == 400
    assert "field label not supported: spec.hostname" in str(error.value.body)


@pytest.mark.parametrize("selector", ["a b", "app in shop", "=x"])
def test_a_selector_that_makes_no_sense_is_a_bad_request(cluster: Cluster, selector: str) -> None:
    with pytest.raises(client.ApiException) as error:
        cluster.batch.list_namespaced_job(cluster.namespace, label_selector=selector)
    assert error.value.status == 400


def test_a_collection_is_deleted_by_labels(three: Cluster) -> None:
    three.batch.delete_collection_namespaced_job(
        three.namespace, label_selector="app=shop", propagation_policy="Background"
    )
    left = three.batch.list_namespaced_job(three.namespace).items
    assert [each.metadata.name for each in left] == ["c"]
