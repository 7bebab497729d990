"""What a local cluster still knows after it was stopped or killed, and what it goes on with."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from urllib3.exceptions import HTTPError

from tests.contract.cluster import FOREVER, STUBBORN, Cluster, container, job, pod
from tests.contract.localprocess import LocalProcess, local_cluster
from tests.contract.waiting import (
    finished_job,
    finished_pod,
    first_pod,
    outcome,
    pods_of,
    stream,
    until_gone,
    until_one,
)
from tests.dispatcher.local.cluster.test_lifecycle import cluster_of, family, is_alive

ENDS = pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalProcess]:
    with local_cluster(tmp_path / "state") as running:
        yield running


def version_of(cluster: Cluster) -> int:
    return int(cluster.batch.list_namespaced_job("default").metadata.resource_version)


@ENDS
def test_objects_are_there_as_they_were(local: LocalProcess, end: signal.Signals) -> None:
    cluster = cluster_of(local.kubeconfig)
    cluster.core.create_namespace({"metadata": {"name": "other"}})
    cluster.core.create_namespaced_secret(
        "other", {"metadata": {"name": "s"}, "stringData": {"a": "b"}}
    )
    kept = cluster.create_job("true", suspend=True)
    gone = cluster.create_job("true", suspend=True)
    cluster.delete_job(gone.metadata.name)

    local.process.send_signal(end)
    local.process.wait(timeout=10)

    with local_cluster(local.directory):
        found = cluster.batch.list_namespaced_job("default").items
        assert [each.metadata.uid for each in found] == [kept.metadata.uid]
        assert cluster.core.read_namespaced_secret("s", "other").data == {"a": "Yg=="}
        assert cluster.core.read_namespaced_service_account("default", "other")


def test_what_was_answered_is_there_after_a_kill(local: LocalProcess) -> None:
    answered: list[str] = []
    enough = threading.Event()

    def create(worker: int) -> None:
        cluster = cluster_of(local.kubeconfig)
        with suppress(HTTPError, client.ApiException):
            for number in range(10_000):
                body = {"metadata": {"name": f"c-{worker}-{number}"}}
                cluster.core.create_namespaced_config_map("default", body)
                answered.append(body["metadata"]["name"])
                if len(answered) >= 100:
                    enough.set()

    writers = [threading.Thread(target=create, args=(each,)) for each in range(3)]
    for each in writers:
        each.start()
    assert enough.wait(30)
    local.kill()
    for each in writers:
        each.join(30)

    with local_cluster(local.directory):
        listed = cluster_of(local.kubeconfig).core.list_namespaced_config_map("default").items
        assert set(answered) <= {each.metadata.name for each in listed}


@ENDS
def test_no_version_is_given_out_twice(local: LocalProcess, end: signal.Signals) -> None:
    cluster = cluster_of(local.kubeconfig)
    cluster.delete_job(cluster.create_job("true", suspend=True).metadata.name)
    before = version_of(cluster)
    local.process.send_signal(end)
    local.process.wait(timeout=10)
    with local_cluster(local.directory):
        assert version_of(cluster) >= before
        created = cluster.create_job("true", suspend=True)
        assert int(created.metadata.resource_version) > before


# https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses
def test_a_watch_from_before_the_restart_has_to_list_again(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    before = version_of(cluster)
    cluster.create_job("true", suspend=True)
    local.kill()
    with local_cluster(local.directory):
        call = cluster.batch.list_namespaced_job
        with pytest.raises(client.ApiException) as error:
            list(stream(call, "default", resource_version=str(before), timeout_seconds=5))
        assert error.value.status == 410
        now = str(version_of(cluster))
        name = cluster.create_job("true", suspend=True).metadata.name
        with closing(stream(call, "default", resource_version=now, timeout_seconds=30)) as events:
            assert next(events)["object"].metadata.name == name


def test_what_ran_is_dead_before_it_is_reported(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    processes = family(cluster)
    local.kill()
    with local_cluster(local.directory):
        assert not any(is_alive(each) for each in processes)
        name = cluster.core.list_namespaced_pod("default").items[0].metadata.name
        ended = finished_pod(cluster, name)
        state = ended.status.container_statuses[0].state.terminated
        assert (ended.status.phase, state.exit_code) == ("Failed", 137)
        assert state.reason == "ContainerStatusUnknown"


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found by /proc")
def test_what_ran_is_dead_also_when_its_guardian_was_killed(local: LocalProcess) -> None:
    processes = family(cluster_of(local.kubeconfig))
    (guardian,) = [each for each in children(local.process.pid) if each not in processes]
    os.kill(guardian, signal.SIGKILL)
    local.kill()
    assert all(is_alive(each) for each in processes)
    with local_cluster(local.directory):
        assert not any(is_alive(each) for each in processes)


def children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


# https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#graceful-node-shutdown
def test_stopped_it_says_that_its_node_shut_down(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    family(cluster)
    assert local.stop() == 0
    with local_cluster(local.directory):
        (ended,) = cluster.core.list_namespaced_pod("default").items
        assert (ended.status.phase, ended.status.reason) == ("Failed", "Terminated")
        assert "DisruptionTarget" in {each.type for each in ended.status.conditions}


def test_a_job_is_retried_when_its_limit_allows_it(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    script = f"if [ -e {local.directory}/again ]; then exit 0; fi; {FOREVER}"
    name = cluster.create_job(script, backoffLimit=1).metadata.name
    first_pod(cluster, name)
    local.kill()
    (local.directory / "again").touch()
    with local_cluster(local.directory):
        done = finished_job(cluster, name)
        assert outcome(done).type == "Complete"
        assert (done.status.failed, done.status.succeeded) == (1, 1)


def test_a_job_whose_limit_is_reached_has_failed(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    name = cluster.create_job(FOREVER).metadata.name
    first_pod(cluster, name)
    local.kill()
    with local_cluster(local.directory):
        assert outcome(finished_job(cluster, name)).reason == "BackoffLimitExceeded"


def test_a_pod_that_has_not_started_yet_starts(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    token = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "late", "key": "token"}}}
    name = cluster.create_pod(pod(container("echo $TOKEN", env=[token]))).metadata.name

    def waits(pod: Any) -> bool:
        states = pod.status.container_statuses or []
        return any(each.state.waiting and each.state.waiting.message for each in states)

    until_one(cluster.core.list_namespaced_pod, "default", name, waits)
    local.kill()
    with local_cluster(local.directory):
        cluster.core.create_namespaced_secret(
            "default", {"metadata": {"name": "late"}, "stringData": {"token": "here"}}
        )
        assert finished_pod(cluster, name).status.phase == "Succeeded"
        assert cluster.log(name) == "here\n"


@pytest.mark.parametrize("policy", ["Foreground", "Background"])
def test_a_deletion_that_was_under_way_is_finished(local: LocalProcess, policy: str) -> None:
    cluster = cluster_of(local.kubeconfig)
    slow = {"containers": [container(STUBBORN)], "terminationGracePeriodSeconds": 600}
    name = cluster.create_job("", template=slow).metadata.name
    running = first_pod(cluster, name).metadata.name
    cluster.delete_job(name, policy)
    until_one(
        cluster.core.list_namespaced_pod, "default", running,
        lambda pod: pod.metadata.deletion_timestamp,
    )  # fmt: skip
    local.kill()
    with local_cluster(local.directory):
        until_gone(cluster.core.list_namespaced_pod, "default", running)
        until_gone(cluster.batch.list_namespaced_job, "default", name)


def test_a_namespace_that_was_being_deleted_goes(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    cluster.core.create_namespace({"metadata": {"name": "other"}})
    held = job(suspend=True, finalizers=["git-dispatcher.example/hold"])
    cluster.batch.create_namespaced_job("other", held)
    cluster.core.delete_namespace("other")
    local.kill()
    with local_cluster(local.directory):
        assert cluster.core.read_namespace("other").status.phase == "Terminating"
        free = {"metadata": {"finalizers": None}}
        cluster.batch.patch_namespaced_job(held["metadata"]["name"], "other", free)
        until_gone(lambda _, **more: cluster.core.list_namespace(**more), "", "other")


def test_time_to_live_goes_on(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    name = cluster.create_job("true", ttlSecondsAfterFinished=2).metadata.name
    finished_job(cluster, name)
    local.kill()
    with local_cluster(local.directory):
        until_gone(cluster.batch.list_namespaced_job, "default", name)
        pods_of(cluster, name, lambda pods: not pods)


@ENDS
def test_logs_of_what_had_ended_can_be_read(local: LocalProcess, end: signal.Signals) -> None:
    cluster = cluster_of(local.kubeconfig)
    name = cluster.create_pod(pod(container("echo told"))).metadata.name
    finished_pod(cluster, name)
    local.process.send_signal(end)
    local.process.wait(timeout=10)
    with local_cluster(local.directory):
        assert cluster.log(name) == "told\n"


# What etcd does when an older snapshot is restored: https://etcd.io/docs/v3.5/op-guide/recovery/
@ENDS
def test_a_copy_put_back_is_an_older_state(local: LocalProcess, end: signal.Signals) -> None:
    cluster = cluster_of(local.kubeconfig)
    objects, copy = local.directory / "objects", local.directory / "copy"
    before = cluster.create_job("true", suspend=True)
    local.process.send_signal(end)
    local.process.wait(timeout=10)
    shutil.copytree(objects, copy)
    with local_cluster(local.directory) as second:
        after = cluster.create_job("true", suspend=True)
        second.process.send_signal(end)
        second.process.wait(timeout=10)
    shutil.rmtree(objects)
    copy.rename(objects)
    with local_cluster(local.directory):
        (found,) = cluster.batch.list_namespaced_job("default").items
        assert found.metadata.uid == before.metadata.uid
        future = after.metadata.resource_version
        call = cluster.batch.list_namespaced_job
        assert list(stream(call, "default", resource_version=future, timeout_seconds=1)) == []
        with pytest.raises(client.ApiException) as error:
            call("default", resource_version=future)
        assert error.value.status == 504
