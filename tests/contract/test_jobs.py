"""Jobs from start to end: their Pods, retries, deadlines, suspension and conditions."""

from __future__ import annotations

import time
from typing import Any

from tests.contract.cluster import FOREVER, STUBBORN, Cluster, container
from tests.contract.waiting import (
    condition,
    events,
    finished_job,
    first_pod,
    outcome,
    pods_of,
    stream,
    until_gone,
    until_one,
)

TRACKING = "batch.kubernetes.io/job-tracking"


def name_of(obj: Any) -> str:
    return str(obj.metadata.name)


def job_until(cluster: Cluster, name: str, holds: Any) -> Any:
    return until_one(cluster.batch.list_namespaced_job, cluster.namespace, name, holds)


def patch(cluster: Cluster, name: str, spec: dict[str, Any]) -> None:
    cluster.batch.patch_namespaced_job(name, cluster.namespace, {"spec": spec})


def test_a_job_that_succeeds_is_complete(cluster: Cluster) -> None:
    name = name_of(cluster.create_job("echo done"))
    job = finished_job(cluster, name)
    assert outcome(job).type == "Complete"
    assert job.status.succeeded == 1
    assert not job.status.active
    assert not job.status.failed
    assert job.status.start_time <= job.status.completion_time


# Since 1.31 a condition says how a Job will end before all of its Pods have ended.
# https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions
def test_a_job_is_about_to_be_complete_before_it_is(cluster: Cluster) -> None:
    name = name_of(cluster.create_job("true"))
    job = finished_job(cluster, name)
    types = [each.type for each in job.status.conditions]
    assert types == ["SuccessCriteriaMet", "Complete"]


def test_a_jobs_pod_knows_its_job(cluster: Cluster) -> None:
    created = cluster.create_job(FOREVER)
    pod = first_pod(cluster, name_of(created))
    owner = pod.metadata.owner_references[0]
    assert (owner.kind, owner.name, owner.uid) == ("Job", name_of(created), created.metadata.uid)
    assert owner.controller
    assert owner.block_owner_deletion
    assert pod.metadata.labels["controller-uid"] == created.metadata.uid
    assert pod.metadata.labels["job-name"] == name_of(created)
    assert pod.metadata.name.startswith(f"{name_of(created)}-")
    assert pod.metadata.finalizers == [TRACKING]
    job = job_until(cluster, name_of(created), lambda job: job.status.ready == 1)
    assert job.status.active == 1


# https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-tracking-with-finalizers
def test_a_pod_that_was_counted_is_free_to_go(cluster: Cluster) -> None:
    name = name_of(cluster.create_job("true"))
    finished_job(cluster, name)
    pod = first_pod(cluster, name, "Succeeded")
    assert not pod.metadata.finalizers


def test_a_job_that_fails_says_why(cluster: Cluster) -> None:
    name = name_of(cluster.create_job("exit 3"))
    job = finished_job(cluster, name)
    types = [each.type for each in job.status.conditions]
    assert types == ["FailureTarget", "Failed"]
    assert outcome(job).reason == "BackoffLimitExceeded"
    assert job.status.failed == 1
    assert job.status.completion_time is None
    state = first_pod(cluster, name, "Failed").status.container_statuses[0].state
    assert state.terminated.exit_code == 3
    assert state.terminated.reason == "Error"


def test_a_retry_is_a_new_pod(cluster: Cluster) -> None:
    name = name_of(cluster.create_job("exit 1", backoffLimit=1))
    job = finished_job(cluster, name)
    assert job.status.failed == 2
    pods = pods_of(cluster, name, lambda pods: len(pods) == 2)
    assert {pod.status.phase for pod in pods.values()} == {"Failed"}


def test_on_failure_a_container_is_started_again_in_its_pod(cluster: Cluster) -> None:
    script = 'if [ -e "$DIR/tried" ]; then exit 0; fi; touch "$DIR/tried"; exit 1'
    kept = container(
        script,
        env=[{"name": "DIR", "value": "/scratch"}],
        volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}],
    )
    template = {
        "restartPolicy": "OnFailure",
        "containers": [kept],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    }
    name = name_of(cluster.create_job(template=template, script="", backoffLimit=3))
    job = finished_job(cluster, name)
    assert outcome(job).type == "Complete"
    pods = pods_of(cluster, name, lambda pods: len(pods) == 1)
    status = next(iter(pods.values())).status.container_statuses[0]
    assert status.restart_count == 1
    assert status.last_state.terminated.exit_code == 1


def test_completions_are_reached_in_parallel(cluster: Cluster) -> None:
    name = name_of(cluster.create_job("true", completions=3, parallelism=2))
    job = finished_job(cluster, name)
    assert outcome(job).type == "Complete"
    assert job.status.succeeded == 3


def test_a_suspended_job_has_no_pods_until_it_is_resumed(cluster: Cluster) -> None:
    name = name_of(cluster.create_job("true", suspend=True))
    job = job_until(cluster, name, lambda job: condition(job, "Suspended"))
    assert job.status.start_time is None
    assert pods_of(cluster, name, lambda _: True) == {}
    patch(cluster, name, {"suspend": False})
    job = finished_job(cluster, name)
    assert outcome(job).type == "Complete"
    suspended = next(each for each in job.status.conditions if each.type == "Suspended")
    assert (suspended.status, suspended.reason) == ("False", "JobResumed")


def test_suspending_a_running_job_deletes_its_pods(cluster: Cluster) -> None:
    name = name_of(cluster.create_job(FOREVER))
    first_pod(cluster, name)
    patch(cluster, name, {"suspend": True})
    pods_of(cluster, name, lambda pods: not pods)
    job = job_until(cluster, name, lambda job: not job.status.active and not job.status.terminating)
    assert condition(job, "Suspended").reason == "JobSuspended"
    assert not job.status.failed


# The Job's own deadline deletes the Pods, and their logs with them.
# https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup
def test_a_jobs_deadline_deletes_its_pods(cluster: Cluster) -> None:
    name = name_of(cluster.create_job(FOREVER, activeDeadlineSeconds=1))
    job = finished_job(cluster, name)
    assert outcome(job).type == "Failed"
    assert outcome(job).reason == "DeadlineExceeded"
    pods_of(cluster, name, lambda pods: not pods)


# The Pod's deadline leaves the Pod, its status and its log.
# https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#lifecycle
def test_a_pods_deadline_keeps_the_pod(cluster: Cluster) -> None:
    script = f"echo begun; {FOREVER}"
    spec = {"containers": [container(script)], "activeDeadlineSeconds": 1}
    name = name_of(cluster.create_job("", template=spec))
    job = finished_job(cluster, name)
    assert outcome(job).reason == "BackoffLimitExceeded"
    pod = first_pod(cluster, name, "Failed")
    assert pod.status.reason == "DeadlineExceeded"
    assert pod.status.container_statuses[0].state.terminated is not None
    assert cluster.log(pod.metadata.name).startswith("begun\n")


def test_a_failed_job_is_failed_only_when_its_pods_have_ended(cluster: Cluster) -> None:
    name = name_of(cluster.create_job(STUBBORN, activeDeadlineSeconds=1))
    first_pod(cluster, name)
    deciding = job_until(cluster, name, lambda job: condition(job, "FailureTarget"))
    assert outcome(deciding) is None
    assert deciding.status.terminating == 1
    finished_job(cluster, name)
    pods = cluster.core.list_namespaced_pod(cluster.namespace).items
    assert all(pod.status.phase == "Failed" for pod in pods)


def order_of_pods(cluster: Cluster, name: str, first: str) -> list[str]:
    """What happens to a Job's Pods once its first is deleted, until there is a second."""
    listed = cluster.core.list_namespaced_pod(cluster.namespace)
    cluster.delete_pod(first)
    told: list[str] = []
    for event in events(
        cluster.core.list_namespaced_pod,
        cluster.namespace,
        time.monotonic() + 60,
        listed.metadata.resource_version,
        label_selector=f"job-name={name}",
    ):
        pod = event["object"]
        if pod.metadata.name != first:
            return [*told, "second"]
        if event["type"] == "DELETED" or pod.status.phase in ("Succeeded", "Failed"):
            told.append("first ended")
    return told


# https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-replacement-policy
def test_a_replacement_waits_for_the_end_of_the_pod_before(cluster: Cluster) -> None:
    created = cluster.create_job(STUBBORN, backoffLimit=2, podReplacementPolicy="Failed")
    first = first_pod(cluster, name_of(created)).metadata.name
    told = order_of_pods(cluster, name_of(created), first)
    assert told[0] == "first ended"
    assert told[-1] == "second"


def test_by_default_a_replacement_does_not_wait(cluster: Cluster) -> None:
    slow = {"containers": [container(STUBBORN)], "terminationGracePeriodSeconds": 30}
    created = cluster.create_job("", backoffLimit=2, template=slow)
    assert created.spec.pod_replacement_policy == "TerminatingOrFailed"
    first = first_pod(cluster, name_of(created)).metadata.name
    assert order_of_pods(cluster, name_of(created), first) == ["second"]
    cluster.delete_job(name_of(created))
    cluster.delete_pod(first, grace_period_seconds=0)


# https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
def test_a_finished_job_goes_with_its_pods_when_its_time_is_over(cluster: Cluster) -> None:
    name = name_of(cluster.create_job("true", ttlSecondsAfterFinished=1))
    finished_job(cluster, name)
    until_gone(cluster.batch.list_namespaced_job, cluster.namespace, name)
    pods_of(cluster, name, lambda pods: not pods)


def test_what_happens_to_a_job_is_seen_by_a_watch(cluster: Cluster) -> None:
    version = cluster.batch.list_namespaced_job(cluster.namespace).metadata.resource_version
    name = name_of(cluster.create_job("true"))
    for event in stream(
        cluster.batch.list_namespaced_job,
        cluster.namespace,
        resource_version=version,
        timeout_seconds=60,
    ):
        assert event["object"].metadata.name == name
        if outcome(event["object"]):
            assert event["type"] == "MODIFIED"
            break
