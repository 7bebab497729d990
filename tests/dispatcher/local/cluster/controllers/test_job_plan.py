from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.local.cluster.apimachinery.objects import JOB_TRACKING, timestamp
from dispatcher.local.cluster.controllers.job_plan import Backoff, Plan, plan
from dispatcher.local.cluster.controllers.job_view import is_finished

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BASE = 10.0

Json = dict[str, Any]


def a_job(status: Json | None = None, deleting: bool = False, **spec: Any) -> Json:
    least = {"parallelism": 1, "completions": 1, "backoffLimit": 1}
    template = {"spec": {"restartPolicy": "Never"}}
    metadata: Json = {"name": "job", "namespace": "home", "uid": "1"}
    if deleting:
        metadata["deletionTimestamp"] = timestamp(NOW)
    body = {"metadata": metadata, "status": status or {}}
    return body | {"spec": {**least, "template": template, **spec}}


def a_pod(phase: str = "Running", *, deleting: bool = False, counted: bool = False) -> Json:
    metadata: Json = {"name": f"job-{phase}"}
    if not counted:
        metadata["finalizers"] = [JOB_TRACKING]
    if deleting:
        metadata["deletionTimestamp"] = timestamp(NOW)
    return {"metadata": metadata, "status": {"phase": phase}}


def planned(job: Json, *pods: Json, backoff: Backoff | None = None) -> Plan:
    return plan(job, pods, backoff or Backoff(), NOW, BASE)


def conditions(status: Json | None) -> list[str]:
    return [each["type"] for each in (status or {})["conditions"]]


def test_a_new_job_starts_and_makes_its_pods() -> None:
    made = planned(a_job(parallelism=2, completions=3))
    assert made.create == 2
    assert made.status["active"] == 2
    assert made.status["startTime"] == timestamp(NOW)


def test_a_running_pod_is_enough() -> None:
    made = planned(a_job(), a_pod())
    assert (made.create, made.delete, made.release) == (0, (), ())


def test_a_success_is_said_before_and_after_its_pod_is_counted() -> None:
    pod = a_pod("Succeeded")
    made = planned(a_job(), pod)
    assert conditions(made.interim) == ["SuccessCriteriaMet"]
    assert "succeeded" not in (made.interim or {})
    assert made.release == (pod,)
    assert conditions(made.status) == ["SuccessCriteriaMet", "Complete"]
    assert made.status["succeeded"] == 1
    assert made.status["completionTime"] == timestamp(NOW)


def test_a_failure_is_retried_after_a_while() -> None:
    made = planned(a_job(), a_pod("Failed"))
    assert made.create == 0
    assert made.status["failed"] == 1
    assert made.again_after == BASE
    later = plan(a_job(made.status), [a_pod("Failed", counted=True)], made.backoff,
                 NOW + timedelta(seconds=BASE), BASE)  # fmt: skip
    assert later.create == 1


def test_more_failures_than_the_limit_fail_the_job() -> None:
    made = planned(a_job({"failed": 1}), a_pod("Failed"))
    assert conditions(made.status) == ["FailureTarget", "Failed"]
    assert made.status["conditions"][1]["reason"] == "BackoffLimitExceeded"
    assert made.status["failed"] == 2


def test_a_failing_job_waits_for_its_last_pod() -> None:
    other = a_pod()
    made = planned(a_job(backoffLimit=0, parallelism=2, completions=2), a_pod("Failed"), other)
    assert made.delete == (other,)
    assert conditions(made.status) == ["FailureTarget"]
    assert made.status["terminating"] == 1
    # When the last Pod has gone, nothing but the final condition is left to add.
    final = planned(a_job(made.status, backoffLimit=0), a_pod("Failed", counted=True))
    assert conditions(final.status) == ["FailureTarget", "Failed"]
    assert final.interim is None
    assert final.status["failed"] == made.status["failed"] == 2


@pytest.mark.parametrize(("policy", "made"), [("TerminatingOrFailed", 1), ("Failed", 0)])
def test_only_one_policy_replaces_a_pod_that_is_still_ending(policy: str, made: int) -> None:
    job = a_job(podReplacementPolicy=policy)
    assert planned(job, a_pod(deleting=True, counted=True)).create == made


def test_a_pod_that_is_being_deleted_has_failed_unless_the_policy_waits_for_it() -> None:
    pod = a_pod(deleting=True)
    assert planned(a_job(podReplacementPolicy="TerminatingOrFailed"), pod).status["failed"] == 1
    assert "failed" not in planned(a_job(podReplacementPolicy="Failed"), pod).status


def test_a_suspended_job_ends_its_pods_without_counting_them() -> None:
    pod = a_pod()
    made = planned(a_job({"startTime": timestamp(NOW)}, suspend=True), pod)
    assert (made.delete, made.release) == ((pod,), (pod,))
    assert conditions(made.status) == ["Suspended"]
    assert "failed" not in made.status


def test_a_resumed_job_has_its_whole_time_again() -> None:
    held = {"type": "Suspended", "status": "True", "reason": "", "message": ""}
    began = timestamp(NOW - timedelta(hours=1))
    job = a_job({"startTime": began, "conditions": [held]}, activeDeadlineSeconds=60)
    made = planned(job)
    assert made.create == 1
    assert made.status["startTime"] == timestamp(NOW)
    assert made.again_after == 60


def test_a_job_that_is_being_deleted_makes_no_pods_and_lets_them_go() -> None:
    pod = a_pod()
    made = planned(a_job(deleting=True), pod)
    assert made.create == 0
    assert made.release == (pod,)


def test_a_job_past_its_deadline_fails() -> None:
    began = timestamp(NOW - timedelta(seconds=60))
    made = planned(a_job({"startTime": began}, activeDeadlineSeconds=60), a_pod())
    assert made.status["conditions"][0]["reason"] == "DeadlineExceeded"


@pytest.mark.parametrize(("failures", "delay"), [(0, 0), (1, 10), (2, 20), (5, 160), (9, 360)])
def test_the_delay_doubles_up_to_six_minutes(failures: int, delay: float) -> None:
    assert Backoff(failures, NOW).remaining(NOW, BASE) == delay


PODS = st.lists(
    st.builds(
        a_pod,
        st.sampled_from(["Pending", "Running", "Succeeded", "Failed"]),
        deleting=st.booleans(),
        counted=st.booleans(),
    ),
    max_size=4,
)


@given(
    PODS,
    st.integers(0, 3),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(["Failed", "TerminatingOrFailed"]),
)
def test_whatever_the_pods_the_plan_keeps_its_promises(
    pods: list[Json], parallelism: int, limit: int, suspend: bool, policy: str
) -> None:
    job = a_job(
        parallelism=parallelism,
        backoffLimit=limit,
        suspend=suspend,
        podReplacementPolicy=policy,
    )
    made = planned(job, *pods)
    running = [pod for pod in pods if pod["status"]["phase"] in ("Pending", "Running")]
    assert not (made.create and made.delete)
    assert made.create <= parallelism
    if policy == "Failed" and made.create:
        assert len(running) + made.create <= parallelism
    if is_finished({"status": made.status}):
        assert not running
