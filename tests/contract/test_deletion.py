"""Deleting: what goes at once, what waits, and who goes with it."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client

from tests.contract.cluster import FOREVER, STUBBORN, Cluster, container, pod, refusal
from tests.contract.waiting import first_pod, pods_of, stream, until_gone, until_one

HOLD = "git-dispatcher.example/hold"
EMPTY: dict[str, Any] = {"metadata": {"finalizers": []}}


def name_of(obj: Any) -> str:
    return str(obj.metadata.name)


def started(cluster: Cluster, script: str = FOREVER, **spec: Any) -> tuple[Any, Any]:
    """A Job and its running Pod."""
    created = cluster.create_job(script, **spec)
    return created, first_pod(cluster, name_of(created))


# https://kubernetes.io/docs/concepts/architecture/garbage-collection/#foreground-deletion
def test_in_the_foreground_a_job_waits_for_its_pods(cluster: Cluster) -> None:
    created, running = started(cluster, STUBBORN)
    answer = cluster.delete_job(name_of(created), "Foreground")
    assert answer is not None
    job = cluster.batch.read_namespaced_job(name_of(created), cluster.namespace)
    assert job.metadata.deletion_timestamp
    assert job.metadata.finalizers == ["foregroundDeletion"]
    until_gone(cluster.batch.list_namespaced_job, cluster.namespace, name_of(created))
    until_gone(cluster.core.list_namespaced_pod, cluster.namespace, name_of(running))


def test_in_the_background_a_job_goes_before_its_pods(cluster: Cluster) -> None:
    created, running = started(cluster)
    cluster.delete_job(name_of(created), "Background")
    with pytest.raises(client.ApiException) as error:
        cluster.batch.read_namespaced_job(name_of(created), cluster.namespace)
    assert error.value.status == 404
    until_gone(cluster.core.list_namespaced_pod, cluster.namespace, name_of(running))


# Unlike other kinds, batch/v1 Jobs orphan their Pods when no policy is named.
# https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/batch/job/strategy.go
@pytest.mark.parametrize("policy", ["Orphan", None])
def test_an_orphaned_pod_runs_on(cluster: Cluster, policy: str | None) -> None:
    created, running = started(cluster)
    cluster.delete_job(name_of(created), policy)
    until_gone(cluster.batch.list_namespaced_job, cluster.namespace, name_of(created))
    orphan = until_one(
        cluster.core.list_namespaced_pod,
        cluster.namespace,
        name_of(running),
        lambda pod: not pod.metadata.owner_references and not pod.metadata.finalizers,
    )
    assert orphan.status.phase == "Running"
    assert orphan.metadata.deletion_timestamp is None
    cluster.delete_pod(name_of(running), grace_period_seconds=0)


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_a_precondition_that_does_not_hold_conflicts(cluster: Cluster, field: str) -> None:
    created = cluster.create_job("true", suspend=True)
    wanted = {"uid": "00000000-0000-0000-0000-000000000000", "resourceVersion": "1"}[field]
    with pytest.raises(client.ApiException) as error:
        cluster.delete_job(name_of(created), preconditions={field: wanted})
    assert error.value.status == 409
    assert refusal(error)["reason"] == "Conflict"
    cluster.batch.read_namespaced_job(name_of(created), cluster.namespace)


def test_with_its_own_uid_a_job_is_deleted(cluster: Cluster) -> None:
    created = cluster.create_job("true", suspend=True)
    cluster.delete_job(name_of(created), preconditions={"uid": created.metadata.uid})
    until_gone(cluster.batch.list_namespaced_job, cluster.namespace, name_of(created))


def test_options_may_come_in_the_query(cluster: Cluster) -> None:
    created, running = started(cluster)
    cluster.batch.delete_namespaced_job(
        name_of(created), cluster.namespace, propagation_policy="Background"
    )
    until_gone(cluster.core.list_namespaced_pod, cluster.namespace, name_of(running))


def test_what_is_gone_can_not_be_deleted(cluster: Cluster) -> None:
    with pytest.raises(client.ApiException) as error:
        cluster.delete_job("nobody")
    assert error.value.status == 404


# https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/
def test_a_finalizer_holds_an_object_until_it_is_removed(cluster: Cluster) -> None:
    created = cluster.create_job("true", suspend=True, finalizers=[HOLD])
    name = name_of(created)
    cluster.delete_job(name, "Background")
    held = cluster.batch.read_namespaced_job(name, cluster.namespace)
    assert held.metadata.deletion_timestamp
    assert held.metadata.generation == created.metadata.generation + 1
    cluster.batch.patch_namespaced_job(name, cluster.namespace, {"metadata": {"finalizers": None}})
    until_gone(cluster.batch.list_namespaced_job, cluster.namespace, name)


# The client sends a dict as a strategic merge patch, in which finalizers are a set to add to.
# https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
def test_an_empty_list_of_finalizers_removes_none(cluster: Cluster) -> None:
    created = cluster.create_job("true", suspend=True, finalizers=[HOLD])
    name, nothing = name_of(created), EMPTY
    patched = cluster.batch.patch_namespaced_job(name, cluster.namespace, nothing)
    assert patched.metadata.finalizers == [HOLD]
    patched = cluster.batch.patch_namespaced_job(
        name, cluster.namespace, nothing, _content_type="application/merge-patch+json"
    )
    assert not patched.metadata.finalizers


def test_a_pod_is_asked_to_end_before_it_is_killed(cluster: Cluster) -> None:
    polite = "trap 'echo bye; exit 5' TERM; echo started; while true; do sleep 0.1; done"
    name = name_of(cluster.create_pod(pod(container(polite))))
    last = last_state(cluster, name)
    terminated = last.status.container_statuses[0].state.terminated
    assert terminated.exit_code == 5
    assert last.metadata.deletion_timestamp


def test_a_pod_that_does_not_end_is_killed(cluster: Cluster) -> None:
    name = name_of(cluster.create_pod(pod(container(STUBBORN))))
    last = last_state(cluster, name)
    assert last.status.container_statuses[0].state.terminated.exit_code == 137
    assert last.status.phase == "Failed"


def last_state(cluster: Cluster, name: str, **options: Any) -> Any:
    """Deletes a Pod once it has written something; returns what DELETED says of it."""
    call = cluster.core.list_namespaced_pod
    until_one(call, cluster.namespace, name, lambda pod: pod.status.phase == "Running")
    written = cluster.core.read_namespaced_pod_log(
        name, cluster.namespace, follow=True, _preload_content=False
    )
    next(iter(written.stream(1)))
    written.release_conn()
    version = call(cluster.namespace).metadata.resource_version
    cluster.delete_pod(name, **options)
    for event in stream(call, cluster.namespace, resource_version=version, timeout_seconds=60):
        if event["type"] == "DELETED":
            return event["object"]
    raise AssertionError("the Pod was not deleted")


def test_a_pod_that_is_being_deleted_says_until_when(cluster: Cluster) -> None:
    _, running = started(cluster, STUBBORN)
    cluster.delete_pod(name_of(running), grace_period_seconds=5)
    marked = cluster.core.read_namespaced_pod(name_of(running), cluster.namespace)
    assert marked.metadata.deletion_grace_period_seconds == 5
    assert marked.metadata.deletion_timestamp
    assert marked.status.phase == "Running"


def test_without_grace_a_pod_is_gone_at_once(cluster: Cluster) -> None:
    name = name_of(cluster.create_pod(pod(container(STUBBORN))))
    call = cluster.core.list_namespaced_pod
    until_one(call, cluster.namespace, name, lambda pod: pod.status.phase == "Running")
    cluster.delete_pod(name, grace_period_seconds=0)
    with pytest.raises(client.ApiException) as error:
        cluster.core.read_namespaced_pod(name, cluster.namespace)
    assert error.value.status == 404


def test_a_jobs_pods_go_with_their_namespace(cluster: Cluster) -> None:
    other = f"{cluster.namespace}-other"
    cluster.core.create_namespace({"metadata": {"name": other}})
    elsewhere = Cluster(cluster.core, cluster.batch, other)
    created, _ = started(elsewhere)
    cluster.core.delete_namespace(other)
    pods_of(elsewhere, name_of(created), lambda pods: not pods)
    with pytest.raises(client.ApiException) as error:
        elsewhere.create_job("true")
    assert error.value.status in (403, 404)
