"""What people break behind our back, and how the sweeper finds and repairs it."""

from __future__ import annotations

import os
import subprocess
import sys

from dispatcher.domain.repairs import Kind
from dispatcher.ledger import Repairs
from tests.system.installation import Installation, Target
from tests.waiting import eventually


def sweep(system: Installation, *options: str) -> str:
    """As an operator types it, where a watcher's environment is."""
    command = [sys.executable, "-m", "dispatcher.cli", "sweep", *options]
    environ = {**os.environ, **system.local.environment}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def delete_job(system: Installation, target: Target, policy: str) -> None:
    (job,) = target.jobs()
    path = f"/apis/batch/v1/namespaces/default/jobs/{job['metadata']['name']}"
    answer = system.kube.request("DELETE", path, json={"propagationPolicy": policy})
    answer.raise_for_status()


def test_a_pod_whose_job_was_taken_away_is_said_and_deleted_and_the_deploy_runs_again(
    system: Installation,
) -> None:
    target = system.target("orphaned", "sleep 60")
    target.push("0", "a")
    target.until(1, "running")
    (pod,) = target.pods()

    delete_job(system, target, "Orphan")
    assert eventually(lambda: not target.jobs())
    said = sweep(system, "--dry-run")

    assert f"orphaned  orphaned-pod  Pod {pod['metadata']['name']} is left" in said
    assert "nothing was done" in said
    assert target.pods() == [pod] or target.pods()[0]["metadata"]["uid"] == pod["metadata"]["uid"]

    sweep(system)

    assert eventually(lambda: pod["metadata"]["name"] not in names(target))
    assert eventually(lambda: target.deploy(1).troubles == 1)
    assert target.deploy(1).why == "its Job vanished: somebody or something else deleted it"
    counts = Repairs(system.store).counts()
    assert counts[Kind.ORPHANED_POD] >= 1
    assert counts[Kind.VANISHED_JOB] >= 1
    assert {repair.target for repair in Repairs(system.store).newest()} >= {"orphaned"}


def names(target: Target) -> list[str]:
    return [pod["metadata"]["name"] for pod in target.pods()]


def test_when_all_is_well_there_is_nothing_to_put_right(system: Installation) -> None:
    target = system.target("well", "true")
    target.push("0", "a")
    target.until(1, "succeeded")
    assert target.is_clean()

    assert not [line for line in sweep(system, "--dry-run").splitlines() if "well" in line]
