"""Lists in pages, and lists of an earlier version."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client

from tests.contract.cluster import Cluster, job, refusal


@pytest.fixture
def five(cluster: Cluster) -> Cluster:
    """Jobs `a` to `e`; the first three are labelled."""
    for name in "abcde":
        labels = {"early": "yes"} if name < "d" else {}
        cluster.batch.create_namespaced_job(
            cluster.namespace, job(name=name, labels=labels, suspend=True)
        )
    return cluster


def jobs(cluster: Cluster, **options: Any) -> Any:
    return cluster.batch.list_namespaced_job(cluster.namespace, **options)


def names(listed: Any) -> str:
    return "".join(each.metadata.name for each in listed.items)


# https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
def test_all_pages_are_of_one_version(five: Cluster) -> None:
    first = jobs(five, limit=2)
    assert names(first) == "ab"
    assert first.metadata.remaining_item_count == 3
    five.delete_job("d")
    five.batch.create_namespaced_job(five.namespace, job(name="cc", suspend=True))
    five.batch.patch_namespaced_job("e", five.namespace, {"metadata": {"labels": {"new": "yes"}}})

    second = jobs(five, limit=2, _continue=first.metadata._continue)
    third = jobs(five, limit=2, _continue=second.metadata._continue)

    assert (names(second), names(third)) == ("cd", "e")
    assert not (third.items[0].metadata.labels or {}).get("new")
    versions = {each.metadata.resource_version for each in (first, second, third)}
    assert len(versions) == 1
    assert third.metadata._continue is None
    assert third.metadata.remaining_item_count is None


def test_a_page_may_be_the_whole(five: Cluster) -> None:
    listed = jobs(five, limit=5)
    assert names(listed) == "abcde"
    assert listed.metadata._continue is None


def test_with_a_selector_nobody_counts_what_is_left(five: Cluster) -> None:
    first = jobs(five, limit=2, label_selector="early")
    assert names(first) == "ab"
    assert first.metadata.remaining_item_count is None
    rest = jobs(five, limit=2, label_selector="early", _continue=first.metadata._continue)
    assert names(rest) == "c"


def test_a_token_that_makes_no_sense_is_a_bad_request(cluster: Cluster) -> None:
    with pytest.raises(client.ApiException) as error:
        jobs(cluster, limit=2, _continue="nonsense")
    assert refusal(error)["reason"] == "BadRequest"


def test_an_earlier_version_can_be_listed(five: Cluster) -> None:
    version = jobs(five).metadata.resource_version
    five.delete_job("a")
    options = {"resource_version": version, "resource_version_match": "Exact"}
    assert names(jobs(five, **options)) == "abcde"
    assert names(jobs(five)) == "bcde"
