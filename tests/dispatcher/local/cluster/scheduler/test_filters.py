from __future__ import annotations

from typing import Any

import pytest

from dispatcher.local.cluster.apimachinery.nodes import POWER, PRESSURE
from dispatcher.local.cluster.controllers.node_status import new_node, observed, status
from dispatcher.local.cluster.scheduler.filters import message, obstacles

Json = dict[str, Any]


def a_node(*taints: Json, **annotations: str) -> Json:
    node = new_node() | {"status": status()}
    node["metadata"]["annotations"] = annotations
    node["spec"]["taints"] = list(taints)
    return observed(node, "2026-01-02T03:04:05Z")


def a_pod(**spec: Any) -> Json:
    return {"spec": {"containers": [{"name": "main"}], **spec}}


def asking(**requests: str) -> Json:
    return {"name": "main", "resources": {"requests": requests}}


DEDICATED = {"key": "for", "value": "builds", "effect": "NoSchedule"}
EQUAL = {"key": "for", "operator": "Equal", "value": "builds"}


@pytest.mark.parametrize(
    ("pod", "node", "reasons"),
    [
        (a_pod(), a_node(), []),
        (a_pod(nodeSelector={"kubernetes.io/hostname": "local"}), a_node(), []),
        (a_pod(nodeSelector={"a": "b"}), a_node(), ["didn't match Pod's node affinity/selector"]),
        (a_pod(containers=[asking(cpu="64")]), a_node(), []),
        (a_pod(containers=[asking(cpu="32"), asking(cpu="32001m")]), a_node(), ["Insufficient cpu"]),
        (a_pod(containers=[asking(memory="1Ti")]), a_node(), ["Insufficient memory"]),
        (a_pod(initContainers=[asking(cpu="65")]), a_node(), ["Insufficient cpu"]),
        (a_pod(containers=[asking(**{"nvidia.com/gpu": "1"})]), a_node(),
         ["Insufficient nvidia.com/gpu"]),
        (a_pod(), a_node(DEDICATED), ["had untolerated taint {for: builds}"]),
        (a_pod(tolerations=[EQUAL]), a_node(DEDICATED), []),
        (a_pod(tolerations=[{"operator": "Exists"}]), a_node(DEDICATED), []),
        (a_pod(tolerations=[EQUAL | {"effect": "NoExecute"}]), a_node(DEDICATED),
         ["had untolerated taint {for: builds}"]),
        (a_pod(), a_node(DEDICATED | {"effect": "PreferNoSchedule"}), []),
        (a_pod(), a_node(**{POWER: "off"}),
         ["had untolerated taint {node.kubernetes.io/unreachable: }"]),
        (a_pod(), a_node(**{PRESSURE: "disk"}),
         ["had untolerated taint {node.kubernetes.io/disk-pressure: }"]),
    ],
)  # fmt: skip
def test_where_a_pod_may_run(pod: Json, node: Json, reasons: list[str]) -> None:
    assert obstacles(pod, node) == reasons


def test_the_scheduler_counts_nodes() -> None:
    assert message(["Insufficient cpu", "were unschedulable"]) == (
        "0/1 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable."
    )


def test_what_is_past_leaves_nothing_behind() -> None:
    node = a_node(DEDICATED, **{POWER: "off", PRESSURE: "memory"})
    assert len(node["spec"]["taints"]) == 3
    node["metadata"]["annotations"] = {}
    after = observed(node, "2026-01-02T03:04:06Z")
    assert after["spec"]["taints"] == [DEDICATED]
    ready = after["status"]["conditions"][-1]
    assert (ready["status"], ready["lastTransitionTime"]) == ("True", "2026-01-02T03:04:06Z")
    assert observed(after, "2026-01-02T03:04:07Z") == after
