"""What a container is given: environment, arguments, volumes, and its turn."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.cluster import FOREVER, IMAGE, Cluster, Json, container, pod
from tests.contract.waiting import finished_pod, until_one


def output(cluster: Cluster, body: Json, container: str = "main") -> str:
    """What a Pod writes until its end."""
    name = cluster.create_pod(body).metadata.name
    finished_pod(cluster, name)
    return cluster.log(name, container=container)


def env(**values: str) -> list[Json]:
    return [{"name": name, "value": value} for name, value in values.items()]


# https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
def test_references_are_expanded(cluster: Cluster) -> None:
    variables = env(
        ONE="1", BOTH="$(ONE)-$(TWO)", TWO="2", ESCAPED="$$(ONE)", SHELL_LIKE="$ONE", TWICE="a$$b"
    )
    script = 'echo "$BOTH|$ESCAPED|$SHELL_LIKE|$TWICE|$0|$1|$2"'
    body = pod(container(script, env=variables, args=["$(ONE)", "$(NOBODY)", "$$(ONE)"]))
    assert output(cluster, body) == "1-$(TWO)|$(ONE)|$ONE|a$b|1|$(NOBODY)|$(ONE)\n"


def test_values_come_from_secrets_and_config_maps(cluster: Cluster) -> None:
    cluster.core.create_namespaced_secret(
        cluster.namespace, {"metadata": {"name": "s"}, "stringData": {"token": "hush"}}
    )
    cluster.core.create_namespaced_config_map(
        cluster.namespace, {"metadata": {"name": "c"}, "data": {"COLOUR": "red", "SIZE": "big"}}
    )
    body = pod(
        container(
            'echo "$TOKEN $PRE_COLOUR $SIZE ${MAYBE-unset} $OVER"',
            envFrom=[
                {"configMapRef": {"name": "c"}},
                {"configMapRef": {"name": "c"}, "prefix": "PRE_"},
            ],
            env=[
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}},
                {
                    "name": "MAYBE",
                    "valueFrom": {"secretKeyRef": {"name": "x", "key": "y", "optional": True}},
                },
                {"name": "OVER", "value": "$(COLOUR)!"},
            ],
        )
    )
    assert output(cluster, body) == "hush red big unset red!\n"


def test_values_come_from_the_pod_itself(cluster: Cluster) -> None:
    paths = {
        "NAME": "metadata.name",
        "HOME_NS": "metadata.namespace",
        "UID_": "metadata.uid",
        "APP": "metadata.labels['app']",
        "NOTE": "metadata.annotations['example.com/note']",
    }
    fields = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in paths.items()
    ]
    body = pod(container('echo "$NAME $HOME_NS $UID_ $APP $NOTE"', env=fields))
    body["metadata"] |= {"labels": {"app": "shop"}, "annotations": {"example.com/note": "hi"}}
    created = cluster.create_pod(body)
    finished_pod(cluster, created.metadata.name)
    expected = f"{created.metadata.name} {cluster.namespace} {created.metadata.uid} shop hi\n"
    assert cluster.log(created.metadata.name) == expected


def test_a_container_waits_for_the_secret_that_it_needs(cluster: Cluster) -> None:
    token = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "late", "key": "token"}}}
    name = cluster.create_pod(pod(container('echo "$TOKEN"', env=[token]))).metadata.name

    def is_stuck(pod: Any) -> bool:
        statuses = pod.status.container_statuses or []
        waiting = statuses[0].state.waiting if statuses else None
        return waiting is not None and waiting.reason == "CreateContainerConfigError"

    stuck = until_one(cluster.core.list_namespaced_pod, cluster.namespace, name, is_stuck)
    assert stuck.status.phase == "Pending"
    cluster.core.create_namespaced_secret(
        cluster.namespace, {"metadata": {"name": "late"}, "stringData": {"token": "here"}}
    )
    assert finished_pod(cluster, name).status.phase == "Succeeded"
    assert cluster.log(name) == "here\n"


def test_init_containers_run_first_and_in_order(cluster: Cluster) -> None:
    shared: Json = {
        "env": env(DIR="/work/sub"),
        "volumeMounts": [{"name": "work", "mountPath": "/work"}],
    }
    body = pod(
        container('cat "$DIR/order"; pwd | sed "s/.*work/work/"', workingDir="/work", **shared),
        initContainers=[
            container('mkdir "$DIR"; echo one >> "$DIR/order"', "first", **shared),
            container('echo two >> "$DIR/order"', "second", **shared),
        ],
        volumes=[{"name": "work", "emptyDir": {}}],
    )
    name = cluster.create_pod(body).metadata.name
    ended = finished_pod(cluster, name)
    assert cluster.log(name, container="main") == "one\ntwo\nwork\n"
    states = [each.state.terminated.reason for each in ended.status.init_container_statuses]
    assert states == ["Completed", "Completed"]


def test_a_failing_init_container_fails_the_pod(cluster: Cluster) -> None:
    body = pod(container("echo never"), initContainers=[container("exit 4", "first")])
    ended = finished_pod(cluster, cluster.create_pod(body).metadata.name)
    assert ended.status.phase == "Failed"
    assert ended.status.init_container_statuses[0].state.terminated.exit_code == 4
    (main,) = ended.status.container_statuses
    assert main.state.waiting.reason == "PodInitializing"
    assert not main.container_id


# https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/status/status_manager.go (TerminatePod)
def test_nobody_knows_how_a_container_ended_that_never_started(cluster: Cluster) -> None:
    absent = {"name": "main", "image": "registry.invalid/nothing:1"}
    body = pod(absent, initContainers=[container("true", "first")], activeDeadlineSeconds=3)
    ended = finished_pod(cluster, cluster.create_pod(body).metadata.name)
    assert (ended.status.phase, ended.status.reason) == ("Failed", "DeadlineExceeded")
    assert ended.status.init_container_statuses[0].state.terminated.exit_code == 0
    (main,) = ended.status.container_statuses
    terminated = main.state.terminated
    assert (terminated.reason, terminated.exit_code) == ("ContainerStatusUnknown", 137)
    assert not main.container_id


def test_a_deadline_while_an_init_container_runs_leaves_the_main_one_waiting(
    cluster: Cluster,
) -> None:
    slow = container(FOREVER, "first")
    body = pod(container("echo never"), initContainers=[slow], activeDeadlineSeconds=1)
    ended = finished_pod(cluster, cluster.create_pod(body).metadata.name)
    assert (ended.status.phase, ended.status.reason) == ("Failed", "DeadlineExceeded")
    assert ended.status.init_container_statuses[0].state.terminated.exit_code == 7
    assert ended.status.container_statuses[0].state.waiting.reason == "PodInitializing"


def test_files_come_from_secrets_and_config_maps(cluster: Cluster) -> None:
    cluster.core.create_namespaced_secret(
        cluster.namespace, {"metadata": {"name": "s"}, "stringData": {"key": "k"}}
    )
    cluster.core.create_namespaced_config_map(
        cluster.namespace, {"metadata": {"name": "c"}, "data": {"a": "A", "b": "B"}}
    )
    body = pod(
        container(
            'cat "$S/key" "$C/renamed"; ls "$C"',
            env=env(S="/etc/s", C="/etc/c"),
            volumeMounts=[
                {"name": "s", "mountPath": "/etc/s"},
                {"name": "c", "mountPath": "/etc/c"},
            ],
        ),
        volumes=[
            {"name": "s", "secret": {"secretName": "s"}},
            {"name": "c", "configMap": {"name": "c", "items": [{"key": "a", "path": "renamed"}]}},
        ],
    )
    assert output(cluster, body) == "kArenamed\n"


def test_all_containers_of_a_pod_run_and_all_count(cluster: Cluster) -> None:
    body = pod(container("exit 0", "good"), container("exit 9", "bad"))
    ended = finished_pod(cluster, cluster.create_pod(body).metadata.name)
    assert ended.status.phase == "Failed"
    codes = {each.name: each.state.terminated.exit_code for each in ended.status.container_statuses}
    assert codes == {"good": 0, "bad": 9}


# The runtime, not a shell, says that there is nothing to run; containerd and CRI-O differ in words.
# https://github.com/containerd/containerd/blob/main/internal/cri/server/container_start.go
def test_a_command_that_does_not_exist_fails_the_pod(cluster: Cluster) -> None:
    nothing = {"name": "main", "image": IMAGE, "command": ["./no-such-command"]}
    ended = finished_pod(cluster, cluster.create_pod(pod(nothing)).metadata.name)
    assert ended.status.phase == "Failed"
    terminated = ended.status.container_statuses[0].state.terminated
    assert terminated.exit_code in (127, 128)
    assert terminated.reason in ("StartError", "ContainerCannotRun", "Error")
    assert "no-such-command" in terminated.message


def test_a_relative_command_is_found_in_the_working_directory(cluster: Cluster) -> None:
    mount: Json = {
        "volumeMounts": [{"name": "work", "mountPath": "/work"}],
        "env": env(DIR="/work"),
    }
    script = 'printf "#!/bin/sh\\necho deployed\\n" > "$DIR/deploy.sh"; chmod +x "$DIR/deploy.sh"'
    main = {"name": "main", "image": IMAGE, "command": ["./deploy.sh"], "workingDir": "/work"}
    body = pod(
        main | mount,
        initContainers=[container(script, "clone", **mount)],
        volumes=[{"name": "work", "emptyDir": {}}],
    )
    assert output(cluster, body) == "deployed\n"


# https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
def test_a_running_pod_is_ready_and_a_finished_one_is_not(cluster: Cluster) -> None:
    name = cluster.create_pod(pod(container("read line || sleep 1"))).metadata.name

    def conditions(pod: Any) -> dict[str, str]:
        found = pod.status.conditions or []
        return {each.type: each.status for each in found}

    call = cluster.core.list_namespaced_pod
    ready = until_one(
        call, cluster.namespace, name, lambda pod: conditions(pod).get("Ready") == "True"
    )
    assert conditions(ready)["PodScheduled"] == "True"
    assert conditions(ready)["Initialized"] == "True"
    assert ready.status.container_statuses[0].state.running.started_at
    ended = finished_pod(cluster, name)
    assert conditions(ended)["Ready"] == "False"


@pytest.mark.parametrize(("script", "phase"), [("true", "Succeeded"), ("false", "Failed")])
def test_a_pod_ends_as_its_container_does(cluster: Cluster, script: str, phase: str) -> None:
    ended = finished_pod(cluster, cluster.create_pod(pod(container(script))).metadata.name)
    assert ended.status.phase == phase
