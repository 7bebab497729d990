"""What keeps a Pod from running, or ends it, on any cluster: what a user did, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client

from tests.contract.cluster import FOREVER, IMAGE, Cluster, Json, container, job, pod, refusal
from tests.contract.waiting import (
    condition,
    finished_job,
    finished_pod,
    first_pod,
    pods_of,
    until,
    until_gone,
    until_one,
)

HOLD = "git-dispatcher.example/hold"
# Below `.invalid` there is nothing: https://www.rfc-editor.org/rfc/rfc2606#section-2
NOWHERE = "registry.invalid/nobody/nothing:1"


def until_pod(cluster: Cluster, name: str, holds: Any) -> Any:
    return until_one(cluster.core.list_namespaced_pod, cluster.namespace, name, holds)


def waiting_reason(pod: Any) -> str:
    statuses = pod.status.container_statuses or []
    waiting = statuses[0].state.waiting if statuses else None
    return str(waiting.reason) if waiting else ""


def first_event(cluster: Cluster, reason: str) -> Any:
    """The first event of the namespace with a reason."""
    call = cluster.core.list_namespaced_event
    selector = f"reason={reason}"
    found = until(call, cluster.namespace, bool, field_selector=selector)
    return next(iter(found.values()))


# https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
def test_an_image_that_is_nowhere_is_waited_for(cluster: Cluster) -> None:
    body = pod({"name": "main", "image": NOWHERE, "command": ["true"]})
    name = cluster.create_pod(body).metadata.name
    stuck = until_pod(
        cluster, name, lambda pod: waiting_reason(pod) in ("ErrImagePull", "ImagePullBackOff")
    )
    assert stuck.status.phase == "Pending"
    assert "registry.invalid" in stuck.status.container_statuses[0].state.waiting.message
    until_pod(cluster, name, lambda pod: waiting_reason(pod) == "ImagePullBackOff")
    assert first_event(cluster, "Failed").type == "Warning"
    with pytest.raises(client.ApiException) as error:
        cluster.log(name)
    assert error.value.status == 400


def test_a_name_that_is_no_images_is_not_tried(cluster: Cluster) -> None:
    body = pod({"name": "main", "image": "No:Image:At/all", "command": ["true"]})
    name = cluster.create_pod(body).metadata.name
    until_pod(cluster, name, lambda pod: waiting_reason(pod) == "InvalidImageName")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"nodeSelector": {"git-dispatcher.example/pool": "none"}}, "node affinity/selector"),
        (
            {"containers": [container("true", resources={"requests": {"cpu": "100000"}})]},
            "Insufficient cpu",
        ),
    ],
)
def test_a_pod_that_fits_no_node_is_pending(cluster: Cluster, spec: Json, why: str) -> None:
    body = pod(container("true"))
    body["spec"] |= spec
    name = cluster.create_pod(body).metadata.name

    def scheduled(pod: Any) -> Any:
        found = pod.status.conditions or []
        return next((each for each in found if each.type == "PodScheduled"), None)

    stuck = until_pod(cluster, name, scheduled)
    assert (scheduled(stuck).status, scheduled(stuck).reason) == ("False", "Unschedulable")
    assert why in scheduled(stuck).message
    assert stuck.status.phase == "Pending"
    assert not stuck.spec.node_name
    assert first_event(cluster, "FailedScheduling").involved_object.name == name
    cluster.delete_pod(name)
    until_gone(cluster.core.list_namespaced_pod, cluster.namespace, name)


# https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
def test_an_evicted_pod_was_a_target_of_disruption(cluster: Cluster) -> None:
    created = cluster.create_job(FOREVER, backoffLimit=0, podReplacementPolicy="Failed")
    name = first_pod(cluster, created.metadata.name).metadata.name
    cluster.core.patch_namespaced_pod(name, cluster.namespace, {"metadata": {"finalizers": [HOLD]}})
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    cluster.core.create_namespaced_pod_eviction(name, cluster.namespace, body)
    ended = finished_pod(cluster, name)
    assert condition(ended, "DisruptionTarget").reason == "EvictionByEvictionAPI"
    assert ended.metadata.deletion_timestamp
    assert finished_job(cluster, created.metadata.name).status.failed == 1
    cluster.core.patch_namespaced_pod(
        name,
        cluster.namespace,
        {"metadata": {"finalizers": None}},
        _content_type="application/merge-patch+json",
    )
    until_gone(cluster.core.list_namespaced_pod, cluster.namespace, name)


# https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
def test_a_pod_that_fills_its_volume_is_evicted(cluster: Cluster) -> None:
    script = f"head -c 3000000 /dev/zero > $DIR/much; {FOREVER}"
    main = container(
        script,
        env=[{"name": "DIR", "value": "/scratch"}],
        volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}],
    )
    volume = {"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}
    name = cluster.create_pod(pod(main, volumes=[volume])).metadata.name
    ended = until_one(
        cluster.core.list_namespaced_pod,
        cluster.namespace,
        name,
        lambda pod: pod.status.phase == "Failed",
        seconds=120,
    )
    assert ended.status.reason == "Evicted"
    assert "exceeds the limit" in ended.status.message
    assert first_event(cluster, "Evicted").type == "Warning"


def test_a_finalizer_keeps_a_pod_whose_processes_have_ended(cluster: Cluster) -> None:
    body = pod(container(FOREVER))
    body["metadata"]["finalizers"] = [HOLD]
    name = cluster.create_pod(body).metadata.name
    until_pod(cluster, name, lambda pod: pod.status.phase == "Running")
    cluster.delete_pod(name)
    stuck = finished_pod(cluster, name)
    assert stuck.metadata.deletion_timestamp
    free = {"metadata": {"$deleteFromPrimitiveList/finalizers": [HOLD]}}
    cluster.core.patch_namespaced_pod(name, cluster.namespace, free)
    until_gone(cluster.core.list_namespaced_pod, cluster.namespace, name)


def limit(cluster: Cluster, **hard: str) -> None:
    """Limits the namespace; the limit counts once its status says so."""
    body = {"metadata": {"name": "limit"}, "spec": {"hard": hard}}
    cluster.core.create_namespaced_resource_quota(cluster.namespace, body)
    call = cluster.core.list_namespaced_resource_quota
    until_one(call, cluster.namespace, "limit", lambda quota: quota.status.used)


# https://kubernetes.io/docs/concepts/policy/resource-quotas/#object-count-quota
def test_a_quota_refuses_a_job_too_many(cluster: Cluster) -> None:
    limit(cluster, **{"count/jobs.batch": "1"})
    first = cluster.create_job("true", suspend=True).metadata.name
    with pytest.raises(client.ApiException) as error:
        cluster.create_job("true", suspend=True)
    status = refusal(error)
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert "exceeded quota: limit, requested: count/jobs.batch=1" in status["message"]
    cluster.delete_job(first)
    call = cluster.core.list_namespaced_resource_quota
    until_one(
        call,
        cluster.namespace,
        "limit",
        lambda quota: quota.status.used["count/jobs.batch"] == "0",
    )
    cluster.create_job("true", suspend=True)


def test_a_job_whose_pods_are_refused_goes_on_trying(cluster: Cluster) -> None:
    limit(cluster, pods="0")
    name = cluster.create_job("true").metadata.name
    told = first_event(cluster, "FailedCreate")
    assert told.involved_object.name == name
    assert "exceeded quota" in told.message
    stuck = cluster.batch.read_namespaced_job(name, cluster.namespace)
    assert not stuck.status.active
    assert pods_of(cluster, name, lambda _: True) == {}
    cluster.core.delete_namespaced_resource_quota("limit", cluster.namespace)
    assert finished_job(cluster, name).status.succeeded == 1


SECURE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65534,
    "seccompProfile": {"type": "RuntimeDefault"},
}


# https://kubernetes.io/docs/concepts/security/pod-security-admission/
def test_a_strict_namespace_refuses_pods_and_not_jobs(cluster: Cluster) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.core.patch_namespace(cluster.namespace, {"metadata": {"labels": labels}})
    with pytest.raises(client.ApiException) as error:
        cluster.create_pod(pod(container("true")))
    status = refusal(error)
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert 'violates PodSecurity "restricted:latest"' in status["message"]
    assert "runAsNonRoot != true" in status["message"]

    refused = cluster.create_job("true").metadata.name
    assert first_event(cluster, "FailedCreate").involved_object.name == refused
    welcome = {"name": "main", "image": IMAGE, "command": ["true"], "securityContext": SECURE}
    done = cluster.batch.create_namespaced_job(
        cluster.namespace, job(template={"containers": [welcome]})
    )
    assert finished_job(cluster, done.metadata.name).status.succeeded == 1
