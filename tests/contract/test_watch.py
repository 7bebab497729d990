"""Watches: what they tell, from when, and how they end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from tests.contract.cluster import Cluster, job
from tests.contract.waiting import stream

Event = tuple[str, str]


def seen(cluster: Cluster, version: str, act: Callable[[], Any], count: int, **more: Any) -> Any:
    """The first `count` events after a version; `act` makes them happen."""
    act()
    events = []
    for event in stream(
        cluster.batch.list_namespaced_job,
        cluster.namespace,
        resource_version=version,
        timeout_seconds=30,
        **more,
    ):
        events.append(event)
        if len(events) == count:
            break
    return events


def version_of(cluster: Cluster) -> str:
    return str(cluster.batch.list_namespaced_job(cluster.namespace).metadata.resource_version)


def label(cluster: Cluster, name: str, value: str | None) -> None:
    patch = {"metadata": {"labels": {"app": value}}}
    cluster.batch.patch_namespaced_job(name, cluster.namespace, patch)


def create(cluster: Cluster, name: str, **more: Any) -> Any:
    body = job(name=name, suspend=True, **more)
    return cluster.batch.create_namespaced_job(cluster.namespace, body)


def test_a_life_is_seen_in_order(cluster: Cluster) -> None:
    before = version_of(cluster)

    def act() -> None:
        create(cluster, "a")
        label(cluster, "a", "shop")
        cluster.delete_job("a")

    act()
    types = []
    versions = []
    for event in stream(
        cluster.batch.list_namespaced_job,
        cluster.namespace,
        resource_version=before,
        timeout_seconds=30,
    ):
        types.append(event["type"])
        versions.append(int(event["object"].metadata.resource_version))
        if event["type"] == "DELETED":
            break
    assert types[0] == "ADDED"
    assert types[-1] == "DELETED"
    assert set(types[1:-1]) == {"MODIFIED"}
    assert versions == sorted(set(versions))


# https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-watch
def test_without_a_version_the_present_state_comes_first(cluster: Cluster) -> None:
    create(cluster, "a")
    for event in stream(cluster.batch.list_namespaced_job, cluster.namespace, timeout_seconds=30):
        assert event["type"] == "ADDED"
        assert event["object"].metadata.name == "a"
        break


def test_a_watch_goes_on_from_where_another_ended(cluster: Cluster) -> None:
    before = version_of(cluster)
    first = seen(cluster, before, lambda: create(cluster, "a"), 1)[0]
    middle = first["object"].metadata.resource_version
    events = seen(
        cluster, middle, lambda: create(cluster, "b"), 1, field_selector="metadata.name=b"
    )
    assert [(each["type"], each["object"].metadata.name) for each in events] == [("ADDED", "b")]


# A watch with a selector sees an object come and go when it starts and stops to match.
# https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go
def test_matching_a_selector_looks_like_coming_and_going(cluster: Cluster) -> None:
    create(cluster, "a")
    before = version_of(cluster)

    def act() -> None:
        label(cluster, "a", "shop")
        label(cluster, "a", "docs")

    events = seen(cluster, before, act, 2, label_selector="app=shop")
    assert [each["type"] for each in events] == ["ADDED", "DELETED"]
    last = events[1]["object"]
    assert last.metadata.labels["app"] == "shop"
    newest = cluster.batch.read_namespaced_job("a", cluster.namespace)
    assert last.metadata.resource_version == newest.metadata.resource_version


def test_other_namespaces_are_not_seen(cluster: Cluster) -> None:
    other = f"{cluster.namespace}-other"
    cluster.core.create_namespace({"metadata": {"name": other}})
    try:
        before = version_of(cluster)
        cluster.batch.create_namespaced_job(other, job(name="elsewhere", suspend=True))
        events = seen(cluster, before, lambda: create(cluster, "here"), 1)
        assert events[0]["object"].metadata.name == "here"
    finally:
        cluster.core.delete_namespace(other)


def test_all_namespaces_can_be_watched_at_once(cluster: Cluster) -> None:
    before = cluster.batch.list_job_for_all_namespaces().metadata.resource_version
    create(cluster, "a", labels={"run": cluster.namespace})
    for event in stream(
        cluster.batch.list_job_for_all_namespaces,
        resource_version=before,
        label_selector=f"run={cluster.namespace}",
        timeout_seconds=30,
    ):
        assert event["object"].metadata.namespace == cluster.namespace
        break


def test_a_watch_ends_after_its_timeout(cluster: Cluster) -> None:
    before = version_of(cluster)
    began = time.monotonic()
    events = list(
        stream(
            cluster.batch.list_namespaced_job,
            cluster.namespace,
            resource_version=before,
            timeout_seconds=1,
        )
    )
    assert events == []
    assert time.monotonic() - began > 0.5


# Bookmarks come at the server's discretion, but also shortly before the end of a watch.
# https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks
def test_bookmarks_tell_how_far_a_watch_is(cluster: Cluster) -> None:
    before = version_of(cluster)
    types = {
        event["type"]
        for event in stream(
            cluster.batch.list_namespaced_job,
            cluster.namespace,
            resource_version=before,
            allow_watch_bookmarks=True,
            timeout_seconds=3,
        )
    }
    assert types == {"BOOKMARK"}


# The error comes as an event of a stream that began well, not as an answer with status 410.
# https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses
def test_a_version_that_is_too_old_has_expired(cluster: Cluster) -> None:
    with pytest.raises(client.ApiException) as error:
        list(
            stream(
                cluster.batch.list_namespaced_job,
                cluster.namespace,
                resource_version="1",
                timeout_seconds=5,
            )
        )
    assert error.value.status == 410
    assert "Expired" in str(error.value.reason)


# https://github.com/kubernetes/kubernetes/issues/15224
def test_a_watch_from_the_future_is_silent(cluster: Cluster) -> None:
    future = str(int(version_of(cluster)) + 10**9)
    create(cluster, "a")
    events = list(
        stream(
            cluster.batch.list_namespaced_job,
            cluster.namespace,
            resource_version=future,
            timeout_seconds=1,
        )
    )
    assert events == []


# https://kubernetes.io/docs/reference/using-api/api-concepts/#unavailable-resource-versions
def test_a_list_from_the_future_is_refused(cluster: Cluster) -> None:
    future = str(int(version_of(cluster)) + 10**9)
    with pytest.raises(client.ApiException) as error:
        cluster.batch.list_namespaced_job(cluster.namespace, resource_version=future)
    assert error.value.status == 504
    assert "Too large resource version" in str(error.value.body)
