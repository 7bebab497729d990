"""What only a local cluster does: its start, its end, and who may talk to it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client

from dispatcher.local.cluster.kubelet.guardian import MARK
from tests.contract.cluster import Cluster, container, pod
from tests.contract.conftest import client_of
from tests.contract.localprocess import LocalProcess, local_cluster
from tests.contract.waiting import until_one
from tests.waiting import eventually

# A shell with a child in its process group; both write down who they are. Kubernetes makes one
# dollar of two.
FAMILY = "echo $$$$; sleep 300 & echo $!; wait"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalProcess]:
    with local_cluster(tmp_path / "state") as running:
        yield running


def cluster_of(kubeconfig: Path) -> Cluster:
    api = client_of(config_file=str(kubeconfig))
    return Cluster(client.CoreV1Api(api), client.BatchV1Api(api), "default")


def family(cluster: Cluster) -> list[int]:
    """Starts a Pod of two processes; returns their ids."""
    name = cluster.create_pod(pod(container(FAMILY))).metadata.name
    call = cluster.core.list_namespaced_pod
    until_one(call, "default", name, lambda pod: pod.status.phase == "Running")
    written = eventually(lambda: len(cluster.log(name).split()) == 2 and cluster.log(name))
    assert isinstance(written, str)
    return [int(word) for word in written.split()]


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A process that nobody has waited for yet is dead all the same.
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_killed_it_leaves_no_process_behind(local: LocalProcess) -> None:
    processes = family(cluster_of(local.kubeconfig))
    assert all(is_alive(each) for each in processes)
    local.process.kill()
    assert eventually(lambda: not any(is_alive(each) for each in processes))


def test_killed_it_leaves_no_process_that_hid_either(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    hidden = "setsid sh -c 'echo $$$$; sleep 300' & sleep 300"
    name = cluster.create_pod(pod(container(hidden))).metadata.name
    until_one(
        cluster.core.list_namespaced_pod, "default", name,
        lambda pod: pod.status.phase == "Running",
    )  # fmt: skip
    process = int(eventually(lambda: cluster.log(name)))
    assert is_alive(process)
    local.process.kill()
    assert eventually(lambda: not is_alive(process))


def test_asked_to_end_it_ends_everything_and_reports_success(local: LocalProcess) -> None:
    processes = family(cluster_of(local.kubeconfig))
    assert local.stop() == 0
    assert eventually(lambda: not any(is_alive(each) for each in processes))


def test_what_a_container_leaves_running_ends_with_it(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    name = cluster.create_pod(pod(container("sleep 300 & echo $!"))).metadata.name
    until_one(
        cluster.core.list_namespaced_pod, "default", name,
        lambda pod: pod.status.phase == "Succeeded",
    )  # fmt: skip
    left = int(cluster.log(name))
    assert eventually(lambda: not is_alive(left))


def test_what_hides_from_its_container_ends_with_the_pod(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    hidden = (
        "HOME=/ setsid sh -c 'echo $$$$; touch ready; exec sleep 300' & "
        "while [ ! -e ready ]; do sleep 0.01; done"
    )
    name = cluster.create_pod(pod(container(hidden))).metadata.name
    until_one(
        cluster.core.list_namespaced_pod, "default", name,
        lambda pod: pod.status.phase == "Succeeded",
    )  # fmt: skip
    assert not is_alive(int(cluster.log(name)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the death of a parent")
def test_it_does_not_outlive_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dispatcher.local.cluster", "--parent-death-signal"]
    start = f"import subprocess; subprocess.run({[*command, '--state-dir', str(tmp_path)]!r})"
    parent = subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.DEVNULL)
    try:
        assert eventually((tmp_path / "port").exists)
        cluster = cluster_of(tmp_path / "kubeconfig")
        processes = family(cluster)
    finally:
        parent.kill()
        parent.wait()
    assert eventually(lambda: not any(is_alive(each) for each in processes))


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_started_again_the_kubeconfig_still_works(tmp_path: Path, end: signal.Signals) -> None:
    with local_cluster(tmp_path) as first:
        api = cluster_of(first.kubeconfig)
        first.process.send_signal(end)
        first.process.wait(timeout=10)
    with local_cluster(tmp_path) as second:
        assert second.url == first.url
        assert api.core.list_namespaced_pod("default").items == []


def test_another_port_is_taken_when_the_last_one_is_in_use(tmp_path: Path) -> None:
    with local_cluster(tmp_path / "a") as first:
        port = first.url.rpartition(":")[2]
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "port").write_text(port)
        with local_cluster(tmp_path / "b") as second:
            assert second.url != first.url


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_the_token_nothing_is_answered(local: LocalProcess, token: str) -> None:
    right = local.kubeconfig.with_name("token").read_text()
    config = local.kubeconfig.read_text().replace(right, token)
    other = local.kubeconfig.with_name("other")
    other.write_text(config)
    api = client_of(config_file=str(other))
    with pytest.raises(client.ApiException) as error:
        client.CoreV1Api(api).list_namespaced_pod("default")
    assert error.value.status == 401


def test_its_secrets_are_its_owners_only(local: LocalProcess) -> None:
    for name in ("kubeconfig", "token", "server.key", "objects/objects.db"):
        mode = (local.kubeconfig.parent / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])
def test_other_machines_can_not_be_let_in(tmp_path: Path, host: str) -> None:
    command = [sys.executable, "-m", "dispatcher.local.cluster", "--state-dir", str(tmp_path)]
    refused = subprocess.run([*command, "--host", host], capture_output=True, text=True, timeout=20)
    assert refused.returncode == 2
    assert "loopback only" in refused.stderr


def test_a_container_without_a_command_says_what_is_missing(local: LocalProcess) -> None:
    cluster = cluster_of(local.kubeconfig)
    body = pod({"name": "main", "image": "busybox:1.36", "args": ["ignored"]})
    name = cluster.create_pod(body).metadata.name
    ended = until_one(
        cluster.core.list_namespaced_pod, "default", name, lambda pod: pod.status.phase == "Failed"
    )
    terminated = ended.status.container_statuses[0].state.terminated
    assert (terminated.reason, terminated.exit_code) == ("StartError", 128)
    assert "needs a `command`" in terminated.message


def test_a_container_gets_little_of_the_clusters_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "x")
    with local_cluster(tmp_path) as local:
        cluster = cluster_of(local.kubeconfig)
        name = cluster.create_pod(pod(container("env"))).metadata.name
        until_one(
            cluster.core.list_namespaced_pod, "default", name,
            lambda pod: pod.status.phase == "Succeeded",
        )  # fmt: skip
        names = {line.partition("=")[0] for line in cluster.log(name).splitlines()}
    # The shell adds the last three by itself.
    allowed = {"PATH", "HOME", "LANG", "TMPDIR", "HOSTNAME", MARK, "PWD", "SHLVL", "_"}
    assert names <= allowed
