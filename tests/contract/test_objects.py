"""Objects as such: creating, reading, naming, patching, and the errors that speak of them."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client

from tests.contract.cluster import Cluster, container, job, pod_spec, refusal, unique


def test_a_created_job_is_given_its_identity(cluster: Cluster) -> None:
    body = job(suspend=True, labels={"app": "shop"})
    created = cluster.batch.create_namespaced_job(cluster.namespace, body)
    assert created.metadata.uid
    assert created.metadata.resource_version
    assert created.metadata.creation_timestamp
    assert created.metadata.generation == 1
    assert created.metadata.labels["app"] == "shop"
    read = cluster.batch.read_namespaced_job(body["metadata"]["name"], cluster.namespace)
    assert read.metadata.uid == created.metadata.uid


def test_a_job_is_given_its_selector_and_its_pods_their_labels(cluster: Cluster) -> None:
    created = cluster.create_job("true", suspend=True)
    uid = created.metadata.uid
    assert created.spec.selector.match_labels == {"batch.kubernetes.io/controller-uid": uid}
    labels = created.spec.template.metadata.labels
    for prefix in ("", "batch.kubernetes.io/"):
        assert labels[f"{prefix}controller-uid"] == uid
        assert labels[f"{prefix}job-name"] == created.metadata.name


def test_a_name_can_be_taken_only_once(cluster: Cluster) -> None:
    body = job(suspend=True)
    cluster.batch.create_namespaced_job(cluster.namespace, body)
    with pytest.raises(client.ApiException) as error:
        cluster.batch.create_namespaced_job(cluster.namespace, body)
    status = refusal(error)
    assert (status["code"], status["reason"]) == (409, "AlreadyExists")
    assert status["details"]["name"] == body["metadata"]["name"]
    assert status["details"]["group"] == "batch"
    assert status["details"]["kind"] == "jobs"


def test_what_is_not_there_is_not_found(cluster: Cluster) -> None:
    with pytest.raises(client.ApiException) as error:
        cluster.batch.read_namespaced_job("nobody", cluster.namespace)
    status = refusal(error)
    assert (status["code"], status["reason"]) == (404, "NotFound")
    assert status["message"] == 'jobs.batch "nobody" not found'


def test_nothing_is_created_in_a_namespace_that_does_not_exist(cluster: Cluster) -> None:
    missing = unique("missing")
    with pytest.raises(client.ApiException) as error:
        cluster.batch.create_namespaced_job(missing, job())
    status = refusal(error)
    assert status["code"] == 404
    assert status["details"]["kind"] == "namespaces"
    assert status["details"]["name"] == missing


def test_a_list_of_a_namespace_that_does_not_exist_is_empty(cluster: Cluster) -> None:
    assert cluster.batch.list_namespaced_job(unique("missing")).items == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (job(name="Upper_Case"), "metadata.name"),
        (job(name="-dash"), "metadata.name"),
        (job(labels={"a": "not a value!"}), "metadata.labels"),
        (job(template={"restartPolicy": "Always"}), "spec.template.spec.restartPolicy"),
        (job(template={"containers": []}), "spec.template.spec.containers"),
        (
            job(template={"containers": [{"name": "", "image": "busybox"}]}),
            "spec.template.spec.containers[0].name",
        ),
        (
            job(template={"containers": [{"name": "main"}]}),
            "spec.template.spec.containers[0].image",
        ),
        (job(backoffLimit=-1), "spec.backoffLimit"),
        (
            job(template=pod_spec(container("", volumeMounts=[{"name": "v", "mountPath": "/v"}]))),
            "spec.template.spec.containers[0].volumeMounts[0].name",
        ),
    ],
)
def test_a_wrong_job_is_refused_field_by_field(
    cluster: Cluster, body: dict[str, Any], field: str
) -> None:
    with pytest.raises(client.ApiException) as error:
        cluster.batch.create_namespaced_job(cluster.namespace, body)
    status = refusal(error)
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert field in {cause["field"] for cause in status["details"]["causes"]}
    assert status["details"]["kind"] == "Job"


def test_values_of_a_wrong_type_are_a_bad_request(cluster: Cluster) -> None:
    env = [{"name": "NUMBER", "value": 42}]
    body = job(template={"containers": [container("true", env=env)]})
    path = f"/apis/batch/v1/namespaces/{cluster.namespace}/jobs"
    code, status = cluster.raw("POST", path, body)
    assert (code, status["kind"], status["reason"]) == (400, "Status", "BadRequest")


def test_the_newest_state_is_listed(cluster: Cluster) -> None:
    created = cluster.create_job("true", suspend=True)
    listed = cluster.batch.list_namespaced_job(cluster.namespace)
    assert [each.metadata.name for each in listed.items] == [created.metadata.name]
    assert int(listed.metadata.resource_version) >= int(created.metadata.resource_version)


def test_jobs_and_pods_of_all_namespaces_are_listed(cluster: Cluster) -> None:
    created = cluster.create_job("true", suspend=True)
    jobs = cluster.batch.list_job_for_all_namespaces().items
    assert created.metadata.uid in {each.metadata.uid for each in jobs}
    assert cluster.core.list_pod_for_all_namespaces().items is not None


def test_a_merge_patch_changes_what_it_names(cluster: Cluster) -> None:
    name = cluster.create_job("true", suspend=True).metadata.name
    first = {"metadata": {"annotations": {"a": "1", "b": "2"}}}
    cluster.batch.patch_namespaced_job(name, cluster.namespace, first)
    second = {"metadata": {"annotations": {"b": None, "c": "3"}}}
    patched = cluster.batch.patch_namespaced_job(
        name, cluster.namespace, second, _content_type="application/merge-patch+json"
    )
    assert patched.metadata.annotations["a"] == "1"
    assert "b" not in patched.metadata.annotations
    assert patched.metadata.annotations["c"] == "3"


# https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
def test_a_json_patch_tests_and_changes(cluster: Cluster) -> None:
    name = cluster.create_job("true", suspend=True, labels={"a": "1"}).metadata.name
    operations = [
        {"op": "test", "path": "/metadata/labels/a", "value": "1"},
        {"op": "replace", "path": "/metadata/labels/a", "value": "2"},
        {"op": "add", "path": "/metadata/annotations", "value": {"example.com/b": "3"}},
    ]
    patched = cluster.batch.patch_namespaced_job(name, cluster.namespace, operations)
    assert patched.metadata.labels["a"] == "2"
    assert patched.metadata.annotations["example.com/b"] == "3"
    with pytest.raises(client.ApiException) as error:
        cluster.batch.patch_namespaced_job(name, cluster.namespace, operations)
    assert (error.value.status, refusal(error)["reason"]) == (422, "Invalid")


def test_a_patch_that_changes_nothing_leaves_the_version(cluster: Cluster) -> None:
    created = cluster.create_job("true", suspend=True, labels={"a": "b"})
    name, patch = created.metadata.name, {"metadata": {"labels": {"a": "b"}}}
    before = cluster.batch.patch_namespaced_job(name, cluster.namespace, patch)
    after = cluster.batch.patch_namespaced_job(name, cluster.namespace, patch)
    assert after.metadata.resource_version == before.metadata.resource_version


def test_a_patch_with_an_old_version_conflicts(cluster: Cluster) -> None:
    created = cluster.create_job("true", suspend=True)
    name, old = created.metadata.name, created.metadata.resource_version
    cluster.batch.patch_namespaced_job(
        name, cluster.namespace, {"metadata": {"labels": {"a": "b"}}}
    )
    late = {"metadata": {"resourceVersion": old, "labels": {"a": "c"}}}
    with pytest.raises(client.ApiException) as error:
        cluster.batch.patch_namespaced_job(name, cluster.namespace, late)
    assert (error.value.status, refusal(error)["reason"]) == (409, "Conflict")


def test_the_generation_counts_changes_of_the_spec_only(cluster: Cluster) -> None:
    name = cluster.create_job("true", suspend=True).metadata.name
    labelled = cluster.batch.patch_namespaced_job(
        name, cluster.namespace, {"metadata": {"labels": {"a": "b"}}}
    )
    assert labelled.metadata.generation == 1
    changed = cluster.batch.patch_namespaced_job(
        name, cluster.namespace, {"spec": {"backoffLimit": 3}}
    )
    assert changed.metadata.generation == 2


# https://kubernetes.io/docs/concepts/workloads/controllers/job/#mutable-scheduling-directives
@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"completions": 3}},
        {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 9}}}},
        {"spec": {"selector": {"matchLabels": {"a": "b"}}}},
    ],
)
def test_what_a_job_runs_can_not_be_changed(cluster: Cluster, change: dict[str, Any]) -> None:
    name = cluster.create_job("true", suspend=True).metadata.name
    with pytest.raises(client.ApiException) as error:
        cluster.batch.patch_namespaced_job(name, cluster.namespace, change)
    assert refusal(error)["reason"] == "Invalid"


def test_how_a_job_runs_can_be_changed(cluster: Cluster) -> None:
    name = cluster.create_job("true", suspend=True).metadata.name
    change = {"spec": {"parallelism": 2, "activeDeadlineSeconds": 60, "backoffLimit": 1}}
    changed = cluster.batch.patch_namespaced_job(name, cluster.namespace, change)
    assert changed.spec.parallelism == 2
    assert changed.spec.active_deadline_seconds == 60


def test_a_secret_takes_plain_text_and_gives_base64(cluster: Cluster) -> None:
    body = {"metadata": {"name": "token"}, "stringData": {"value": "hush"}}
    cluster.core.create_namespaced_secret(cluster.namespace, body)
    read = cluster.core.read_namespaced_secret("token", cluster.namespace)
    assert read.data == {"value": "aHVzaA=="}
    assert read.string_data is None
    assert read.type == "Opaque"


def test_config_maps_are_created_patched_and_deleted(cluster: Cluster) -> None:
    body = {"metadata": {"name": "settings"}, "data": {"a": "1"}}
    cluster.core.create_namespaced_config_map(cluster.namespace, body)
    patched = cluster.core.patch_namespaced_config_map(
        "settings", cluster.namespace, {"data": {"b": "2"}}
    )
    assert patched.data == {"a": "1", "b": "2"}
    cluster.core.delete_namespaced_config_map("settings", cluster.namespace)
    with pytest.raises(client.ApiException) as error:
        cluster.core.read_namespaced_config_map("settings", cluster.namespace)
    assert error.value.status == 404


def test_the_server_says_what_it_is(cluster: Cluster) -> None:
    version = client.VersionApi(cluster.core.api_client).get_code()
    assert (int(version.major), int(version.minor.rstrip("+"))) >= (1, 31)
