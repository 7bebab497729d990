"""Why a Job failed, as its Pods' kubelets, the cluster and the Job controller report it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.job_contract import CLONE_REFUSED
from dispatcher.domain.observed_job import ObservedJob
from tests.workers.causes.states import (
    end,
    ended,
    failed,
    job,
    pod,
    running,
    starting,
    unlocated,
    waiting,
)
from workers.kube.objects import Pod
from workers.plan.observed_state import observe_pods

INITIALIZING = waiting("PodInitializing")
NODE, EVICTED = CauseKind.NODE, CauseKind.EVICTED
TAKEN = "the cluster took its Pod away: "


def disrupted(reason: str, message: str = "", status: str = "True") -> list[dict[str, str]]:
    said = {"type": "DisruptionTarget", "status": status, "reason": reason, "message": message}
    return [said]


def verdict(observed: ObservedJob) -> tuple[CauseKind | None, str, bool]:
    return observed.cause, observed.why, observed.retry


# What a run did itself


@pytest.mark.parametrize(
    ("main", "kind", "why"),
    [
        (ended(3), CauseKind.SCRIPT, "container deploy exited with 3"),
        (ended(137), CauseKind.SCRIPT, "container deploy exited with 137"),
        (
            ended(137, reason="OOMKilled"),
            CauseKind.MEMORY,
            "container deploy exited with 137: OOMKilled",
        ),
        (
            ended(128, reason="StartError", message='exec: "./deploy.sh": no such file'),
            CauseKind.CONFIG,
            'container deploy could not be started: exec: "./deploy.sh": no such file',
        ),
        (
            ended(127, reason="ContainerCannotRun"),
            CauseKind.CONFIG,
            "container deploy could not be started: ContainerCannotRun",
        ),
        (
            waiting("CrashLoopBackOff", last=end(3)),
            CauseKind.SCRIPT,
            "container deploy exited with 3",
        ),
    ],
)
def test_what_its_container_did(main: Any, kind: CauseKind, why: str) -> None:
    assert verdict(failed(pod("Failed", containers={"deploy": main}))) == (kind, why, False)


@pytest.mark.parametrize(
    ("name", "kind"), [("clone", CauseKind.CLONE), ("migrate", CauseKind.SCRIPT)]
)
@pytest.mark.parametrize("main", [INITIALIZING, unlocated()], ids=["kubelet", "odd kubelet"])
def test_an_init_container_that_failed_is_named_and_no_node_is_blamed(
    name: str, kind: CauseKind, main: Any
) -> None:
    found = failed(pod("Failed", init={name: ended(1)}, containers={"deploy": main}))

    assert verdict(found) == (kind, f"container {name} exited with 1", False)
    assert (found.container, found.exit_code, found.started) == (name, 1, False)


def test_a_clone_that_was_refused_says_so() -> None:
    found = failed(
        pod("Failed", init={"clone": ended(CLONE_REFUSED)}, containers={"deploy": INITIALIZING})
    )

    why = "container clone exited with 77: the pushed ref does not hold the commit"
    assert verdict(found) == (CauseKind.CLONE, why, False)


@pytest.mark.parametrize("code", [143, 137, 0])
def test_a_deadline_is_called_one(code: int) -> None:
    found = failed(
        pod("Failed", reason="DeadlineExceeded", timeout=40, containers={"deploy": ended(code)})
    )

    assert verdict(found) == (CauseKind.TIMEOUT, "timed out after 40 s (timeout: 40s)", False)
    assert (found.container, found.exit_code) == ("deploy", code or None)


@pytest.mark.parametrize(
    ("init", "main", "container", "more"),
    [
        (ended(143), INITIALIZING, "clone", "; container clone had not finished"),
        (ended(0), unlocated(), "clone", ""),
        (ended(0), unlocated(ran=True), "deploy", ""),
    ],
)
def test_a_deadline_before_the_start_is_no_restart_of_a_node(
    init: Any, main: Any, container: str, more: str
) -> None:
    states = {"init": {"clone": init}, "containers": {"deploy": main}}
    found = failed(pod("Failed", reason="DeadlineExceeded", timeout=3600, **states))

    text = f"timed out after 3600 s (timeout: 1h){more}"
    assert verdict(found) == (CauseKind.TIMEOUT, text, False)
    assert found.container == container


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"timeout": 40, "deadline": 40}, "timed out after 40 s (timeout: 40s)"),
        ({"deadline": 90}, "timed out after 90 s (its Job's activeDeadlineSeconds)"),
        ({"timeout": 40, "deadline": 670}, "timed out after 670 s (timeout: 40s, and"),
    ],
)
def test_a_jobs_deadline_is_called_one(limits: dict[str, int], words: str) -> None:
    over = job("DeadlineExceeded", "Job was active longer than specified deadline", **limits)
    killed = pod("Failed", deleted=True, containers={"deploy": ended(143)})

    for pods in ([], [killed]):
        found = observe_pods(over, pods, None)
        assert (found.cause, found.retry) == (CauseKind.TIMEOUT, False)
        assert found.why.startswith(words)


def test_a_jobs_deadline_says_what_its_pod_waited_for() -> None:
    waits = starting(pod("Pending", containers={"deploy": waiting("ErrImagePull", "denied")}))

    found = observe_pods(job("DeadlineExceeded", timeout=40, deadline=40), [], waits)

    assert found.why.endswith("(timeout: 40s): container deploy waits: ErrImagePull: denied")


@pytest.mark.parametrize(
    "message",
    [
        'Usage of EmptyDir volume "workspace" exceeds the limit "1Gi". ',
        "Pod ephemeral local storage usage exceeds the total limit of containers 2Gi. ",
        'Container deploy exceeded its local ephemeral storage limit "1Gi". ',
    ],
)
def test_who_wrote_too_much_is_not_tried_again(message: str) -> None:
    found = failed(
        pod("Failed", reason="Evicted", message=message, containers={"deploy": ended(137)})
    )

    assert verdict(found) == (CauseKind.STORAGE, f"its Pod was evicted: {message.strip()}", False)


# What was done to it


@pytest.mark.parametrize(
    ("status", "kind", "why"),
    [
        (
            {
                "reason": "Evicted",
                "message": "The node was low on resource: memory.",
                "conditions": disrupted("TerminationByKubelet"),
            },
            EVICTED,
            "Evicted: The node was low on resource: memory.",
        ),
        ({"reason": "Evicted", "message": "low on memory"}, EVICTED, "Evicted: low on memory"),
        (
            {"reason": "Preempting", "message": "Preempted in order to admit critical pod"},
            EVICTED,
            "Preempting: Preempted in order to admit critical pod",
        ),
        (
            {
                "conditions": disrupted("PreemptionByScheduler", "preempting to accommodate"),
                "deleted": True,
            },
            EVICTED,
            "PreemptionByScheduler: preempting to accommodate",
        ),
        (
            {
                "conditions": disrupted("EvictionByEvictionAPI", "Eviction API: evicting"),
                "deleted": True,
            },
            EVICTED,
            "EvictionByEvictionAPI: Eviction API: evicting",
        ),
        (
            {"conditions": disrupted("DeletionByTaintManager", "deleting due to NoExecute taint")},
            EVICTED,
            "DeletionByTaintManager: deleting due to NoExecute taint",
        ),
        (
            {"conditions": disrupted("DeletionByPodGC", "PodGC: node no longer exists")},
            NODE,
            "DeletionByPodGC: PodGC: node no longer exists",
        ),
        (
            {
                "reason": "Terminated",
                "message": "Pod was terminated in response to imminent node shutdown.",
                "conditions": disrupted("TerminationByKubelet"),
            },
            NODE,
            "Terminated: Pod was terminated in response to imminent node shutdown.",
        ),
        (
            {"reason": "NodeShutdown", "message": "Node is shutting"},
            NODE,
            "NodeShutdown: Node is shutting",
        ),
        ({"reason": "NodeLost", "message": "unresponsive"}, NODE, "NodeLost: unresponsive"),
    ],
)
@pytest.mark.parametrize("main", [ended(143), unlocated(ran=True), unlocated()])
def test_what_the_cluster_took_away_runs_again(
    status: dict[str, Any], kind: CauseKind, why: str, main: Any
) -> None:
    found = failed(pod("Failed", containers={"deploy": main}, **status))

    assert verdict(found) == (kind, TAKEN + why, True)


def test_a_disruption_that_came_to_nothing_is_none() -> None:
    conditions = disrupted("EvictionByEvictionAPI", status="False")

    found = failed(pod("Failed", containers={"deploy": ended(3)}, conditions=conditions))

    assert found.cause is CauseKind.SCRIPT


@pytest.mark.parametrize(
    ("reason", "message", "kind"),
    [
        ("OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu", NODE),
        ("OutOfmemory", "Node didn't have enough resource: memory", NODE),
        ("OutOfpods", "Pod was rejected: Node didn't have enough resource: pods", NODE),
        ("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed", NODE),
        ("TopologyAffinityError", "Pod was rejected: Resources cannot be allocated", NODE),
        ("SomethingNew", "Pod was rejected: for a reason of its own", NODE),
        ("UnexpectedAdmissionError", "Pod was rejected: Allocate failed", CauseKind.ADMISSION),
        ("SysctlForbidden", "forbidden sysctl", CauseKind.ADMISSION),
        ("AppArmor", "Pod was rejected: Cannot enforce AppArmor", CauseKind.ADMISSION),
    ],
)
def test_a_pod_that_its_node_refused_runs_again(reason: str, message: str, kind: CauseKind) -> None:
    found = failed(pod("Failed", init={}, reason=reason, message=message))

    assert verdict(found) == (kind, f"its node refused its Pod: {reason}: {message}", True)


def test_a_restarted_node_has_lost_a_container_that_ran() -> None:
    found = failed(pod("Failed", containers={"deploy": unlocated(ran=True)}))

    why = f"{TAKEN}its node was restarted: ContainerStatusUnknown"
    assert verdict(found) == (NODE, why, True)
    assert found.exit_code is None, "137 is the kubelet's guess"


@pytest.mark.parametrize(
    ("deleted", "kind", "words"),
    [
        (True, CauseKind.VANISHED, "deleted its Pod before container deploy was started"),
        (False, NODE, "ended before container deploy was started"),
    ],
)
def test_what_never_ran_is_no_restart_and_runs_again(
    deleted: bool, kind: CauseKind, words: str
) -> None:
    found = failed(pod("Failed", deleted=deleted, containers={"deploy": unlocated()}))

    assert (found.cause, found.retry, found.started) == (kind, True, False)
    assert words in found.why


@pytest.mark.parametrize("code", [143, 137])
def test_a_pod_that_somebody_deleted_is_not_said_to_have_failed_by_itself(code: int) -> None:
    found = failed(pod("Failed", deleted=True, containers={"deploy": ended(code)}))

    why = f"somebody or something else deleted its Pod: container deploy exited with {code}"
    assert verdict(found) == (CauseKind.VANISHED, why, False)


def test_what_failed_by_itself_while_its_pod_was_deleted_has_failed() -> None:
    found = failed(pod("Failed", deleted=True, containers={"deploy": ended(3)}))

    assert verdict(found) == (CauseKind.SCRIPT, "container deploy exited with 3", False)


# What the Job says


def test_a_job_that_failed_without_a_pod_says_what_the_controller_says() -> None:
    found = observe_pods(
        job("BackoffLimitExceeded", "Job has reached the specified backoff limit"), [], None
    )

    why = "its Job failed: BackoffLimitExceeded: Job has reached the specified backoff limit"
    assert verdict(found) == (CauseKind.UNKNOWN, why, False)


def test_a_rule_of_the_job_that_ended_it_is_said_beside_the_container() -> None:
    rule = job("PodFailurePolicy", "Container deploy for pod ns/x failed with exit code 42")

    found = observe_pods(rule, [pod("Failed", containers={"deploy": ended(42)})], None)

    assert found.why.startswith("container deploy exited with 42; PodFailurePolicy: Container")


def test_what_was_told_of_a_pod_that_is_gone_stands() -> None:
    before = starting(pod("Failed", containers={"deploy": ended(3)}))

    found = observe_pods(job("BackoffLimitExceeded"), [], before)
    looked_at_again = observe_pods(found, [], found)

    assert verdict(found) == (CauseKind.SCRIPT, "container deploy exited with 3", False)
    assert (found.container, found.exit_code) == ("deploy", 3)
    assert looked_at_again == found


def test_a_success_has_no_cause() -> None:
    done = replace(job(), outcome="succeeded")

    assert observe_pods(done, [pod("Failed", containers={"deploy": ended(3)})], None).cause is None


# Which Pod, which container


def shard(name: str, phase: str, code: int, finished: int, **more: Any) -> Pod:
    return pod(phase, name=name, containers={"shard": ended(code, finished)}, **more)


@pytest.mark.parametrize("name", ["shop-1-a", "shop-1-z"])
def test_of_parallel_pods_the_failed_one_tells(name: str) -> None:
    others = [shard(each, "Succeeded", 0, 5) for each in ("shop-1-m", "shop-1-n")]

    found = failed(*others, shard(name, "Failed", 3, 8))

    assert (found.pod, found.container, found.exit_code) == (name, "shard", 3)
    assert found.why == "container shard exited with 3"


def test_of_parallel_pods_the_first_that_failed_tells() -> None:
    second, first = shard("shop-1-a", "Failed", 4, 9), shard("shop-1-b", "Failed", 3, 8)

    assert failed(first, second).pod == failed(second, first).pod == "shop-1-b"


def test_of_parallel_pods_those_that_the_job_stopped_tell_nothing() -> None:
    stopped = shard("shop-1-a", "Failed", 143, 6, deleted=True)

    assert failed(stopped, shard("shop-1-b", "Failed", 3, 8)).pod == "shop-1-b"


def test_of_retries_the_last_tells() -> None:
    pods = [shard(f"shop-1-{n}", "Failed", n, 10 * n + 5, born=10 * n) for n in (3, 1, 2)]

    assert (failed(*pods).pod, failed(*pods).exit_code) == ("shop-1-3", 3)


DRAINED = disrupted("EvictionByEvictionAPI", "Eviction API: evicting")


@pytest.mark.parametrize("name", ["shop-1-a", "shop-1-z"])
def test_a_drained_pod_tells_and_not_those_that_the_job_stopped_for_it(name: str) -> None:
    drained = shard(name, "Failed", 143, 6, deleted=True, conditions=DRAINED)
    stopped = shard("shop-1-m", "Failed", 143, 6, deleted=True)

    found = failed(stopped, drained)

    assert (found.pod, found.cause, found.retry) == (name, EVICTED, True)


def test_a_retry_that_was_drained_tells_and_not_the_failure_before_it() -> None:
    first = shard("shop-1-1", "Failed", 3, 5)
    retry = shard("shop-1-2", "Failed", 143, 40, born=20, deleted=True, conditions=DRAINED)

    found = failed(first, retry)

    assert (found.pod, found.cause, found.retry) == ("shop-1-2", EVICTED, True)


def test_a_pod_whose_node_went_later_does_not_hide_the_first_that_failed() -> None:
    first = shard("shop-1-1", "Failed", 3, 8)
    gone = disrupted("DeletionByPodGC")
    lost = pod("Failed", containers={"shard": running()}, deleted=True, conditions=gone)

    found = failed(lost, first)

    assert (found.pod, found.retry) == ("shop-1-1", False)


def test_a_retry_that_waits_says_why_and_one_that_runs_nothing() -> None:
    first = shard("shop-1-1", "Failed", 3, 5)
    waits = pod("Pending", name="shop-1-2", born=10, containers={"shard": waiting("ErrImagePull")})
    runs = pod("Running", name="shop-1-2", born=10, containers={"shard": running()})

    assert starting(first, waits).why == "container shard waits: ErrImagePull"
    assert starting(first, runs).cause is None


def test_a_native_sidecar_is_no_culprit() -> None:
    found = failed(
        pod("Failed", sidecars={"proxy": ended(143, 6)}, containers={"deploy": ended(3, 4)})
    )
    first = failed(
        pod("Failed", sidecars={"proxy": ended(137, 3)}, containers={"deploy": ended(3, 4)})
    )

    for each in (found, first):
        assert (each.container, each.exit_code) == ("deploy", 3)
        assert each.why == "container deploy exited with 3"


def test_of_several_containers_the_first_that_failed_is_the_culprit() -> None:
    states = {"helper": ended(143, 9), "deploy": ended(3, 4), "other": ended(0, 2)}

    found = failed(pod("Failed", containers=states))

    assert (found.container, found.exit_code) == ("deploy", 3)
