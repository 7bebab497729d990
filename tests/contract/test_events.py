"""Events: what a cluster tells people about Pods and Jobs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.cluster import FOREVER, Cluster, container, pod
from tests.contract.waiting import condition, finished_job, first_pod, pods_of, until, until_one


def events_of(cluster: Cluster, obj: Any, *reasons: str) -> dict[str, Any]:
    """The events about an object by reason, as soon as these are among them."""

    def have_come(found: dict[str, Any]) -> bool:
        return set(reasons) <= {each.reason for each in found.values()}

    found = until(
        cluster.core.list_namespaced_event,
        cluster.namespace,
        have_come,
        field_selector=f"involvedObject.uid={obj.metadata.uid}",
    )
    return {each.reason: each for each in found.values()}


def test_a_pods_life_is_reported(cluster: Cluster) -> None:
    job = cluster.create_job("true")
    finished_job(cluster, job.metadata.name)
    pod = first_pod(cluster, job.metadata.name, "Succeeded")
    events = events_of(cluster, pod, "Scheduled", "Pulled", "Created", "Started")
    assert {each.type for each in events.values()} == {"Normal"}
    assert events["Scheduled"].source.component == "default-scheduler"
    assert events["Started"].source.component == "kubelet"
    involved = events["Started"].involved_object
    assert (involved.kind, involved.name) == ("Pod", pod.metadata.name)
    assert involved.field_path == "spec.containers{main}"


def test_a_jobs_life_is_reported(cluster: Cluster) -> None:
    job = cluster.create_job("true")
    finished_job(cluster, job.metadata.name)
    events = events_of(cluster, job, "SuccessfulCreate", "Completed")
    pod = first_pod(cluster, job.metadata.name, "Succeeded")
    assert events["SuccessfulCreate"].message == f"Created pod: {pod.metadata.name}"
    assert events["Completed"].message == "Job completed"


@pytest.mark.parametrize(
    ("script", "spec", "reason"),
    [
        ("exit 1", {}, "BackoffLimitExceeded"),
        (FOREVER, {"activeDeadlineSeconds": 1}, "DeadlineExceeded"),
    ],
)
def test_why_a_job_failed_is_reported(
    cluster: Cluster, script: str, spec: dict[str, Any], reason: str
) -> None:
    job = cluster.create_job(script, **spec)
    finished_job(cluster, job.metadata.name)
    assert events_of(cluster, job, reason)[reason].type == "Warning"


def test_a_pod_that_is_stopped_is_reported(cluster: Cluster) -> None:
    job = cluster.create_job(FOREVER)
    pod = first_pod(cluster, job.metadata.name)
    cluster.batch.patch_namespaced_job(
        job.metadata.name, cluster.namespace, {"spec": {"suspend": True}}
    )
    assert events_of(cluster, pod, "Killing")["Killing"].message == "Stopping container main"
    events = events_of(cluster, job, "SuccessfulDelete", "Suspended")
    assert events["SuccessfulDelete"].message == f"Deleted pod: {pod.metadata.name}"
    pods_of(cluster, job.metadata.name, lambda pods: not pods)


# What no state says: such events are read where a deploy doesn't start.
# https://kubernetes.io/docs/concepts/policy/resource-quotas/
def test_why_a_job_gets_no_pod_is_reported(cluster: Cluster) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    cluster.core.create_namespaced_resource_quota(cluster.namespace, quota)
    call = cluster.core.list_namespaced_resource_quota
    until_one(call, cluster.namespace, "none", lambda quota: quota.status.used)
    event = events_of(cluster, cluster.create_job("true"), "FailedCreate")["FailedCreate"]
    assert event.type == "Warning"
    assert event.message.startswith("Error creating: ")
    assert "exceeded quota: none" in event.message


def test_why_a_pod_gets_no_volume_is_reported(cluster: Cluster) -> None:
    mounts = [{"name": "s", "mountPath": "/etc/s"}]
    volumes = [{"name": "s", "secret": {"secretName": "absent"}}]
    body = pod(container("true", volumeMounts=mounts), volumes=volumes)
    event = events_of(cluster, cluster.create_pod(body), "FailedMount")["FailedMount"]
    assert event.type == "Warning"
    assert 'secret "absent" not found' in event.message


def test_what_happens_again_is_counted(cluster: Cluster) -> None:
    crashing = {"restartPolicy": "OnFailure", "containers": [container("exit 1")]}
    job = cluster.create_job("", template=crashing, backoffLimit=6)
    pod = first_pod(cluster, job.metadata.name, "Running", "Pending")

    def counted(found: dict[str, Any]) -> bool:
        return any(each.reason == "Started" and each.count > 1 for each in found.values())

    selector = f"involvedObject.uid={pod.metadata.uid}"
    until(cluster.core.list_namespaced_event, cluster.namespace, counted, field_selector=selector)
    until_one(
        cluster.core.list_namespaced_pod, cluster.namespace, pod.metadata.name,
        lambda pod: pod.status.container_statuses[0].restart_count > 0,
    )  # fmt: skip
    cluster.delete_job(job.metadata.name)
    assert condition(job, "Failed") is None


# https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
def test_events_have_a_newer_name(cluster: Cluster) -> None:
    job = cluster.create_job("true")
    events_of(cluster, job, "SuccessfulCreate")
    path = f"/apis/events.k8s.io/v1/namespaces/{cluster.namespace}/events"
    code, listed = cluster.raw("GET", path, {})
    assert (code, listed["kind"]) == (200, "EventList")
    (event,) = [each for each in listed["items"] if each["reason"] == "SuccessfulCreate"]
    assert event["regarding"]["name"] == job.metadata.name
    assert event["note"].startswith("Created pod: ")
