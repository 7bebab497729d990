"""Why a deploy does not start or has failed, as its owner reads it: one story for each cause."""

from __future__ import annotations

from typing import Any

import yaml

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy
from dispatcher.local.kube import create_namespace
from tests.system.installation import Installation, Target
from tests.waiting import eventually

NOWHERE = "registry.invalid/nothing:1"
ONCE: dict[str, Any] = {"start_timeout": "2s", "start_attempts": 1}


def shell(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "busybox:1.36", "command": ["sh", "-c", script], **more}


def long_form(system: Installation, name: str, spec: dict[str, Any], **job: Any) -> dict[str, Any]:
    """A target's `job` from a manifest whose Pods have this spec."""
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "x"},
        "spec": {**job, "template": {"spec": spec}},
    }
    (system.config / f"{name}-job.yaml").write_text(yaml.safe_dump(body))
    return {"manifest": f"{name}-job.yaml", "clone": False}


def ended(target: Target) -> Deploy:
    """A push, and its deploy when it is over."""
    target.push("0", "a")
    return target.until(1, "failed", seconds=40)


def test_a_main_container_whose_image_is_not_there_never_runs(system: Installation) -> None:
    pod = {
        "initContainers": [shell("clone", "echo cloned")],
        "containers": [shell("deploy", "true", image=NOWHERE)],
    }
    job = long_form(system, "no-image", pod)
    target = system.target("no-image", job=job, start_timeout="10s", start_attempts=1)
    target.push("0", "a")

    def waits() -> bool:
        return target.deploy(1).why.startswith("container deploy waits: ")

    assert eventually(waits), target.story("no reason")
    waiting = target.deploy(1)
    failed = target.until(1, "failed")

    assert (waiting.state, waiting.cause, waiting.started_at) == ("starting", CauseKind.IMAGE, 0)
    assert failed.cause is CauseKind.IMAGE
    assert failed.why.startswith(
        "it did not start within 10 s (start_timeout: 10s): container deploy"
    )
    assert target.is_clean()


def test_a_time_out_before_the_start_says_what_it_waited_for_and_is_no_nodes_fault(
    system: Installation,
) -> None:
    pod = {
        "initContainers": [shell("clone", "true")],
        "containers": [shell("deploy", "true", image=NOWHERE)],
    }
    job = long_form(system, "late-image", pod) | {"timeout": "12s"}

    failed = ended(system.target("late-image", job=job))

    assert (failed.cause, failed.attempt) == (CauseKind.IMAGE, 1)
    assert failed.why.startswith("timed out after 12 s (timeout: 12s): container deploy waits: ")


def test_a_secret_that_is_missing_is_said(system: Installation) -> None:
    env = {"TOKEN": {"secret": "absent", "key": "token"}}

    failed = ended(system.target("no-secret", job={"env": env}, **ONCE))

    assert failed.cause is CauseKind.CONFIG
    assert 'waits: CreateContainerConfigError: secret "absent" not found' in failed.why


def test_a_hang_ends_as_a_time_out(system: Installation) -> None:
    failed = ended(system.target("hangs", "echo begun; sleep 600", job={"timeout": "2s"}))

    assert (failed.cause, failed.why) == (CauseKind.TIMEOUT, "timed out after 2 s (timeout: 2s)")
    assert (failed.log_tail, failed.attempt) == ("begun\n", 1)


def test_a_clone_that_fails_is_named_with_its_log_and_runs_once(system: Installation) -> None:
    pod = {
        "initContainers": [shell("clone", "echo no such repository; exit 1")],
        "containers": [shell("deploy", "true")],
    }

    failed = ended(system.target("no-clone", job=long_form(system, "no-clone", pod)))

    assert (failed.cause, failed.why) == (CauseKind.CLONE, "container clone exited with 1")
    assert (failed.exit_code, failed.log_tail) == (1, "no such repository\n")
    assert failed.attempt == 1


def test_of_parallel_pods_the_failed_ones_log_counts(system: Installation) -> None:
    script = 'if mkdir "$MARKERS/first" 2>/dev/null; then sleep 2; echo disk is full; exit 3; fi; echo done'
    env = [{"name": "MARKERS", "value": str(system.markers)}]
    pod = {"containers": [shell("shard", script, env=env)]}
    job = long_form(system, "parallel", pod, completions=3, parallelism=3)

    failed = ended(system.target("parallel", job=job))

    assert (failed.cause, failed.why) == (CauseKind.SCRIPT, "container shard exited with 3")
    assert (failed.exit_code, failed.log_tail) == (3, "disk is full\n")


def test_why_a_job_gets_no_pod_is_read_from_its_events(system: Installation) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    create_namespace(system.kube, "full")
    path = "/api/v1/namespaces/full/resourcequotas"
    system.kube.post(path, json=quota).raise_for_status()

    failed = ended(system.target("no-pod", namespace="full", **ONCE))

    assert failed.cause is CauseKind.QUOTA
    assert "no Pod can be made: FailedCreate: Error creating: " in failed.why
    assert "exceeded quota: none" in failed.why
