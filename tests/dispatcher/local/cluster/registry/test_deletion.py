from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dispatcher.local.cluster.apimachinery.api_errors import BadRequest
from dispatcher.local.cluster.apimachinery.resources import JOBS, PODS
from dispatcher.local.cluster.registry.deletion import (
    DeleteOptions,
    Mark,
    Propagation,
    Remove,
    decide,
    parse_options,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def a_pod(phase: str = "Running", node: str = "local", **metadata: Any) -> dict[str, Any]:
    spec = {"nodeName": node, "terminationGracePeriodSeconds": 30}
    return {"metadata": {"name": "x", **metadata}, "spec": spec, "status": {"phase": phase}}


def a_job(*finalizers: str) -> dict[str, Any]:
    return {"metadata": {"name": "x", "generation": 1, "finalizers": list(finalizers)}, "spec": {}}


def marked(verdict: Remove | Mark) -> dict[str, Any]:
    assert isinstance(verdict, Mark)
    metadata: dict[str, Any] = verdict.object["metadata"]
    return metadata


def test_a_running_pod_is_given_its_grace() -> None:
    metadata = marked(decide(PODS, a_pod(), DeleteOptions(), NOW))
    assert metadata["deletionGracePeriodSeconds"] == 30
    assert metadata["deletionTimestamp"] == "2026-01-02T03:04:35Z"


@pytest.mark.parametrize("pod", [a_pod("Succeeded"), a_pod("Failed"), a_pod("Pending", node="")])
def test_a_pod_without_processes_goes_at_once(pod: dict[str, Any]) -> None:
    assert decide(PODS, pod, DeleteOptions(grace=30), NOW) == Remove()


def test_a_second_delete_only_brings_the_end_nearer() -> None:
    first = decide(PODS, a_pod(), DeleteOptions(grace=10), NOW)
    assert isinstance(first, Mark)
    longer = marked(decide(PODS, first.object, DeleteOptions(grace=60), NOW))
    assert longer["deletionGracePeriodSeconds"] == 10
    shorter = marked(decide(PODS, first.object, DeleteOptions(grace=2), NOW))
    assert shorter["deletionTimestamp"] == "2026-01-02T03:04:07Z"
    assert decide(PODS, first.object, DeleteOptions(grace=0), NOW) == Remove()


def test_a_job_without_a_policy_orphans_its_pods() -> None:
    assert marked(decide(JOBS, a_job(), DeleteOptions(), NOW))["finalizers"] == ["orphan"]


def test_a_policy_replaces_the_one_before() -> None:
    options = DeleteOptions(propagation=Propagation.FOREGROUND)
    metadata = marked(decide(JOBS, a_job("orphan", "a/b"), options, NOW))
    assert metadata["finalizers"] == ["a/b", "foregroundDeletion"]
    assert metadata["generation"] == 2


def test_in_the_background_a_job_goes_at_once() -> None:
    options = DeleteOptions(propagation=Propagation.BACKGROUND)
    assert decide(JOBS, a_job(), options, NOW) == Remove()


def test_a_body_counts_and_the_query_does_not() -> None:
    query = {"gracePeriodSeconds": "5", "propagationPolicy": "Orphan"}
    assert parse_options({}, query).grace == 5
    assert parse_options({"propagationPolicy": "Foreground"}, query) == DeleteOptions(
        propagation=Propagation.FOREGROUND
    )


@pytest.mark.parametrize("query", [{"gracePeriodSeconds": "soon"}, {"propagationPolicy": "Maybe"}])
def test_options_that_make_no_sense_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        parse_options({}, query)
