"""The clone in a Pod of the user's: as restricted, as large and as trusted as the user's own containers."""

from __future__ import annotations

import copy
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.config import Clone, Manifest, ManifestJob, Resources, ShortJob, Target
from dispatcher.local.cluster.admission.pod_security import ENFORCE, violation
from tests.examples import examples
from tests.workers.cloning import Clone as Cloning
from tests.workers.cloning import Host
from tests.workers.manifest.helpers import job_of

RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 1001,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
SMALL = {"requests": {"cpu": "100m"}, "limits": {"cpu": "100m", "memory": "64Mi"}}


def made(
    container: dict[str, Any] | None = None,
    in_pod: dict[str, Any] | None = None,
    clone: Clone | None = None,
) -> dict[str, Any]:
    """The Pod of a manifest with one container."""
    first = {"name": "deploy", "image": "busybox", **(container or {})}
    pod = copy.deepcopy({"containers": [first], **(in_pod or {})})
    document = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": pod}}}
    return pod_of(ManifestJob(manifest=Manifest("job.yaml", document), clone=clone))


def pod_of(job: ShortJob | ManifestJob) -> dict[str, Any]:
    target = Target(name="t", repository="https://github.com/acme/t", branches=("main",), job=job)
    pod: dict[str, Any] = job_of(target)["spec"]["template"]
    spec: dict[str, Any] = pod["spec"]
    return spec


def cloning(pod: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = pod["initContainers"][0]
    assert first["name"] == "clone"
    return first


def identity(pod: dict[str, Any]) -> dict[str, Any]:
    names = ("runAsNonRoot", "runAsUser", "runAsGroup")
    security = cloning(pod)["securityContext"]
    return {name: security[name] for name in names if name in security}


def refused(pod: dict[str, Any], level: str) -> str:
    return violation({"metadata": {"labels": {ENFORCE: level}}}, pod)


CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "runAsNonRoot": st.booleans(),
        "runAsUser": st.sampled_from([1, 1000, 70000]),
        "runAsGroup": st.sampled_from([1, 70000]),
        "seccompProfile": st.sampled_from([{"type": "RuntimeDefault"}, {"type": "Unconfined"}]),
    },
)
OF_A_CONTAINER = st.fixed_dictionaries(
    {},
    optional={
        "allowPrivilegeEscalation": st.booleans(),
        "capabilities": st.sampled_from([{"drop": ["ALL"]}, {"drop": []}]),
        "privileged": st.booleans(),
    },
)


@given(
    whole=st.none() | CONTEXTS,
    own=st.none() | st.builds(lambda a, b: a | b, CONTEXTS, OF_A_CONTAINER) | st.just(RESTRICTED),
    level=st.sampled_from(["baseline", "restricted"]),
)
@examples(150)
def test_a_namespace_that_takes_the_pod_takes_it_with_the_clone(
    whole: dict[str, Any] | None, own: dict[str, Any] | None, level: str
) -> None:
    container, in_pod = {"securityContext": own}, {"securityContext": whole}

    without, with_clone = (made(container, in_pod, each) for each in (None, Clone(secret="key")))

    assert refused(with_clone, level) == refused(without, level)


def test_a_clone_is_restricted_where_nothing_is_said() -> None:
    pod = made(clone=Clone())
    pod["containers"] = []

    assert refused(pod, "restricted") == ""
    assert identity(pod) == {"runAsNonRoot": True, "runAsUser": 1000}


@pytest.mark.parametrize(
    ("own", "whole", "expected"),
    [
        ({"runAsUser": 5}, {"runAsUser": 6}, {"runAsNonRoot": True, "runAsUser": 5}),
        ({}, {"runAsUser": 6}, {"runAsNonRoot": True, "runAsUser": 6}),
        (
            {"runAsUser": 5, "runAsGroup": 7},
            {"runAsGroup": 8},
            {"runAsNonRoot": True, "runAsUser": 5, "runAsGroup": 7},
        ),
        ({"runAsUser": 0}, {"runAsUser": 6}, {"runAsNonRoot": False, "runAsUser": 0}),
        ({"runAsUser": None}, {"runAsUser": 6}, {"runAsNonRoot": True, "runAsUser": 6}),
        ({"runAsUser": "five"}, {}, {"runAsNonRoot": True, "runAsUser": 1000}),
    ],
)
def test_it_clones_as_the_first_container(
    own: dict[str, Any], whole: dict[str, Any], expected: dict[str, Any]
) -> None:
    pod = made({"securityContext": own}, {"securityContext": whole}, Clone())

    assert identity(pod) == expected


@pytest.mark.parametrize("who", [0, 1234])
def test_it_clones_as_whoever_is_set(who: int) -> None:
    expected = {"runAsNonRoot": who != 0, "runAsUser": who, "runAsGroup": who}

    long = made({"securityContext": RESTRICTED}, clone=Clone(run_as_user=who))
    short = pod_of(ShortJob(image="x", clone=Clone(run_as_user=who)))

    assert identity(long) == identity(short) == expected


def test_it_is_as_large_as_the_first_container() -> None:
    pod = made({"resources": {**SMALL, "claims": [{"name": "gpu"}]}}, clone=Clone())

    assert cloning(pod)["resources"] == SMALL
    assert "resources" not in cloning(made(clone=Clone()))


def test_it_is_as_large_as_is_set() -> None:
    size = Resources(limits={"memory": "1Gi"})
    expected = {"limits": {"memory": "1Gi"}}

    long = made({"resources": SMALL}, clone=Clone(resources=size))
    short = pod_of(
        ShortJob(image="x", resources=Resources(limits={"cpu": "1"}), clone=Clone(resources=size))
    )

    assert cloning(long)["resources"] == cloning(short)["resources"] == expected
    assert short["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


def test_whoever_it_runs_as_can_read_the_secret() -> None:
    """Without an fsGroup, a Secret's files belong to root and its group."""
    pod = made({"securityContext": RESTRICTED}, clone=Clone(secret="key"))

    (volume,) = [each for each in pod["volumes"] if each["name"] == "git-dispatcher-credentials"]
    others = [each for container in pod["containers"] for each in container["volumeMounts"]]
    assert volume["secret"]["defaultMode"] == 0o444
    assert [each["name"] for each in others] == ["workspace"]


def variables(container: dict[str, Any], workspace: Path) -> dict[str, str]:
    """A container's environment, with the workspace where it is here."""
    return {
        each["name"]: each.get("value", "").replace("/workspace", str(workspace))
        for each in container["env"]
    }


@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_git_trusts_what_another_user_cloned(tmp_path: Path, kind: str) -> None:
    """Given a workspace that belongs to somebody else, when a container uses Git there, then it works."""
    host, clone = Host(tmp_path), Cloning(tmp_path)
    commit = host.commit("one")
    host.push("main")
    assert clone.run(host.url, commit, "refs/heads/main").returncode == 0
    pod = made(in_pod={"initContainers": [{"name": "before", "image": "x"}]}, clone=Clone())

    env = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1",
        **variables(pod[kind][-1], clone.workspace),
    }
    command = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(
        command, cwd=clone.workspace, env=env, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.strip()) == (0, commit), done.stderr


def test_git_trusts_the_workspace_wherever_it_is_mounted() -> None:
    mounts = [{"name": "workspace", "mountPath": "/src/"}]
    pod = made({"volumeMounts": mounts}, clone=Clone())

    env = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    assert env["GIT_CONFIG_COUNT"] == "4"
    assert [env[f"GIT_CONFIG_VALUE_{index}"] for index in range(4)] == [
        "/src/",
        "/src/*",
        "/workspace",
        "/workspace/*",
    ]


def test_settings_of_the_user_s_own_for_git_stay() -> None:
    own = [
        {"name": "GIT_CONFIG_COUNT", "value": "1"},
        {"name": "GIT_CONFIG_KEY_0", "value": "safe.directory"},
        {"name": "GIT_CONFIG_VALUE_0", "value": "*"},
    ]
    (container,) = made({"env": own}, clone=Clone())["containers"]

    assert [each for each in container["env"] if each["name"].startswith("GIT_CONFIG")] == own


def test_without_a_clone_nothing_is_added() -> None:
    pod = made({"resources": SMALL})

    assert "initContainers" not in pod
    assert "securityContext" not in pod["containers"][0]
    assert not [v for v in pod["containers"][0]["env"] if v["name"].startswith("GIT_CONFIG")]
