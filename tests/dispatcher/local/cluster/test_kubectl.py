"""What people do with kubectl."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.contract.localprocess import LocalProcess, local_cluster

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl isn't installed")

NOWHERE = "--image=registry.invalid/nothing:1"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    with local_cluster(tmp_path_factory.mktemp("state"), "--pod-backoff", "0.2") as running:
        yield running


def kubectl(local: LocalProcess, *words: str) -> str:
    """What it prints; on standard error it has to be silent."""
    cache = f"--cache-dir={local.directory}/cache"
    command = ["kubectl", f"--kubeconfig={local.kubeconfig}", cache, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_finished_job_is_waited_for_and_described(local: LocalProcess) -> None:
    kubectl(local, "create", "job", "ok", "--image=busybox:1.36", "--", "true")
    kubectl(local, "wait", "--for=condition=complete", "job/ok", "--timeout=30s")
    described = kubectl(local, "describe", "job", "ok")
    assert "Created pod: ok-" in described
    assert "Job completed" in described
    assert "Started container ok" in kubectl(local, "describe", "pods", "-l", "job-name=ok")
    assert "job/ok" in kubectl(local, "get", "events").lower()
    assert "SuccessfulCreate" in kubectl(local, "events", "--for", "job/ok")
    assert "pod/ok-" in kubectl(local, "get", "all")


def test_a_pod_without_an_image_says_why(local: LocalProcess) -> None:
    kubectl(local, "create", "job", "lost", NOWHERE, "--", "true")
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff"
    kubectl(local, "wait", "pods", "-l", "job-name=lost", f"--for={reason}", "--timeout=30s")
    assert "no such host" in kubectl(local, "describe", "pods", "-l", "job-name=lost")
    kubectl(local, "delete", "job", "lost", "--timeout=30s")


def test_a_node_is_drained_and_taken_back(local: LocalProcess) -> None:
    kubectl(local, "create", "job", "long", "--image=busybox:1.36", "--", "sleep", "300")
    kubectl(local, "wait", "pods", "-l", "job-name=long", "--for=condition=Ready", "--timeout=30s")
    words = ["drain", "local", "--force", "--ignore-daemonsets", "--timeout=30s"]
    command = ["kubectl", f"--kubeconfig={local.kubeconfig}", *words]
    drained = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "node/local drained" in drained.stdout
    assert "Ready,SchedulingDisabled" in kubectl(local, "get", "nodes")
    kubectl(local, "uncordon", "local")
    kubectl(local, "wait", "pods", "-l", "job-name=long", "--for=condition=Ready", "--timeout=30s")
    kubectl(local, "delete", "job", "long", "--timeout=60s")


def test_a_quota_is_made_and_described(local: LocalProcess) -> None:
    kubectl(local, "create", "quota", "few", "--hard=count/jobs.batch=99")
    kubectl(local, "wait", "quota/few", "--for=jsonpath={.status.hard}", "--timeout=30s")
    assert "count/jobs.batch" in kubectl(local, "describe", "quota", "few")
    assert "/99" in kubectl(local, "get", "quota")


def test_long_lists_are_read_in_pages(local: LocalProcess) -> None:
    for number in range(3):
        kubectl(local, "create", "configmap", f"c{number}")
    listed = kubectl(local, "get", "configmaps", "--chunk-size=1")
    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["c0", "c1", "c2"]
