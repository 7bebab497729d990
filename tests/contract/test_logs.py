"""Logs of containers, while they run and afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from kubernetes import client

from tests.contract.cluster import Cluster, container, pod, refusal
from tests.contract.waiting import finished_pod, until_one

FIVE = "for i in 1 2 3 4 5; do echo line $i; done"


@pytest.fixture
def five(cluster: Cluster) -> str:
    """A finished Pod that wrote five lines."""
    name = str(cluster.create_pod(pod(container(FIVE))).metadata.name)
    finished_pod(cluster, name)
    return name


def test_both_outputs_are_logged(cluster: Cluster) -> None:
    name = cluster.create_pod(pod(container("echo out; echo err >&2"))).metadata.name
    finished_pod(cluster, name)
    assert sorted(cluster.log(name).split()) == ["err", "out"]


@pytest.mark.parametrize(("lines", "expected"), [(2, "line 4\nline 5\n"), (0, ""), (9, None)])
def test_the_tail_is_counted_in_lines(
    cluster: Cluster, five: str, lines: int, expected: str | None
) -> None:
    whole = "".join(f"line {number}\n" for number in range(1, 6))
    assert cluster.log(five, tail_lines=lines) == (whole if expected is None else expected)


def test_the_length_is_limited_in_bytes(cluster: Cluster, five: str) -> None:
    assert cluster.log(five, limit_bytes=8) == "line 1\nl"


def test_a_log_is_followed_to_its_end(cluster: Cluster) -> None:
    script = "echo first; sleep 0.5; echo second"
    name = cluster.create_pod(pod(container(script))).metadata.name
    call = cluster.core.list_namespaced_pod
    until_one(call, cluster.namespace, name, lambda pod: pod.status.phase != "Pending")
    followed = cluster.core.read_namespaced_pod_log(
        name, cluster.namespace, follow=True, _preload_content=False
    )
    assert followed.read() == b"first\nsecond\n"


def test_of_several_containers_one_must_be_named(cluster: Cluster) -> None:
    body = pod(container("echo a", "a"), container("echo b", "b"))
    name = cluster.create_pod(body).metadata.name
    finished_pod(cluster, name)
    with pytest.raises(client.ApiException) as error:
        cluster.log(name)
    assert error.value.status == 400
    assert "choose one of: [a b]" in refusal(error)["message"]
    assert cluster.log(name, container="b") == "b\n"


def test_a_container_that_has_not_started_has_no_log(cluster: Cluster) -> None:
    missing = {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "x"}}}
    name = cluster.create_pod(pod(container("true", env=[missing]))).metadata.name

    def is_waiting(pod: Any) -> bool:
        statuses = pod.status.container_statuses or []
        return bool(statuses) and statuses[0].state.waiting is not None

    until_one(cluster.core.list_namespaced_pod, cluster.namespace, name, is_waiting)
    with pytest.raises(client.ApiException) as error:
        cluster.log(name)
    assert error.value.status == 400
    assert "is waiting to start" in refusal(error)["message"]


def test_a_pod_that_is_not_there_has_no_log(cluster: Cluster) -> None:
    with pytest.raises(client.ApiException) as error:
        cluster.log("nobody")
    assert error.value.status == 404


def stamped(cluster: Cluster, pod: str, **query: Any) -> list[tuple[datetime, str]]:
    """The lines of a log, each with the time in front of it."""
    lines = cluster.log(pod, timestamps=True, **query).splitlines()
    split = [line.split(" ", 1) for line in lines]
    return [(datetime.fromisoformat(at), text) for at, text in split]


def test_each_line_has_its_time_where_that_is_asked_for(cluster: Cluster, five: str) -> None:
    lines = stamped(cluster, five)

    assert [text for _, text in lines] == [f"line {number}" for number in range(1, 6)]
    assert sorted(lines, key=lambda line: line[0]) == lines


def test_a_log_is_read_from_a_time_on(cluster: Cluster) -> None:
    script = "echo first; sleep 2.1; echo second"
    name = str(cluster.create_pod(pod(container(script))).metadata.name)
    finished_pod(cluster, name)
    (_, _), (second, _) = stamped(cluster, name)

    def since(time: datetime) -> list[str]:
        query = [("sinceTime", time.strftime("%Y-%m-%dT%H:%M:%SZ")), ("timestamps", "true")]
        raw = cluster.core.api_client.call_api(
            *cluster.core.api_client.param_serialize(
                "GET",
                f"/api/v1/namespaces/{cluster.namespace}/pods/{name}/log",
                query_params=query,
                auth_settings=["BearerToken"],
            )
        ).response.data
        return [line.split(" ", 1)[1] for line in raw.decode().splitlines()]

    assert since(second) == ["second"]
    assert since(second - timedelta(seconds=60)) == ["first", "second"]
    assert since(second + timedelta(seconds=60)) == []
