"""What is cloned before a deploy runs: real processes, a real Git repository, the local cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.system.installation import ZERO, Installation, Target
from tests.waiting import eventually
from tests.workers.cloning import Host

MAIN = "refs/heads/main"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def configured(system: Installation, name: str, host: Host, **settings: Any) -> Target:
    """A target of that repository, once every process has read of it."""
    body = {"repository": host.url, "branches": ["main"], **settings}
    document = {"version": 1, "targets": {name: body}}
    (system.config / f"{name}.yaml").write_text(yaml.safe_dump(document))
    target = Target(system, name, host.url)
    assert eventually(lambda: system.redis.hexists(system.keys.specs, name)), "not published"
    assert eventually(target.is_known_to_web), "web has not read of it"
    return target


def test_a_commit_that_only_a_pull_request_holds_is_not_deployed(
    system: Installation, host: Host
) -> None:
    job = {"image": "busybox:1.36", "command": ["sh", "-c", "grep ours 'a file'"]}
    target = configured(system, "pulled", host, job=job)
    tip = host.commit("ours")
    host.push("main")
    forked = host.commit("of a fork")
    host.push(f"{forked}:refs/pull/7/head")

    target.deliver(MAIN, ZERO, forked)
    failed = target.until(1, "failed")
    target.deliver(MAIN, forked, tip)
    target.until(2, "succeeded")

    why = "container clone exited with 77: the pushed ref does not hold the commit"
    assert (failed.why, failed.attempt) == (why, 1)
    assert f"commit {forked} is not in the history of {MAIN}" in failed.log_tail
    assert "clone.any_commit" in failed.log_tail


SECURE = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def test_a_restricted_namespace_takes_a_manifest_with_its_clone(
    system: Installation, host: Host
) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"metadata": {"name": "restricted", "labels": labels}}
    system.kube.request("POST", "/api/v1/namespaces", json=namespace).raise_for_status()
    script = 'test "$(git rev-parse HEAD)" = "$GIT_COMMIT" && cat \'a file\''
    container = {
        "name": "deploy",
        "image": "alpine/git",
        "workingDir": "/workspace",
        "command": ["sh", "-c", script],
        "securityContext": SECURE,
    }
    template = {"spec": {"containers": [container]}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": template}}
    (system.config / "careful-job.yaml").write_text(json.dumps(job))
    settings = {"manifest": "careful-job.yaml", "clone": True}
    target = configured(
        system, "careful", host, namespace="restricted", start_attempts=1, job=settings
    )
    commit = host.commit("one")
    host.push("main")

    target.deliver(MAIN, ZERO, commit)

    target.until(1, "succeeded")
