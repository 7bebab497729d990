"""What `check` warns of: allowed, and rather not meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatcher.config import read_configuration, warnings

NODE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("hostNetwork", {"hostNetwork": True}, {}),
    ("hostPID", {"hostPID": True}, {}),
    ("hostIPC", {"hostIPC": True}, {}),
    ("volumes[0].hostPath", {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, {}),
    (
        "securityContext.seccompProfile.type",
        {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
        {},
    ),
    ("securityContext.privileged", {}, {"securityContext": {"privileged": True}}),
    ("securityContext.procMount", {}, {"securityContext": {"procMount": "Unmasked"}}),
    (
        "securityContext.capabilities.add[1]",
        {},
        {"securityContext": {"capabilities": {"add": ["CHOWN", "SYS_ADMIN"]}}},
    ),
    (
        "securityContext.appArmorProfile.type",
        {},
        {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
    ),
    (
        "securityContext.windowsOptions.hostProcess",
        {},
        {"securityContext": {"windowsOptions": {"hostProcess": True}}},
    ),
    ("ports[0].hostPort", {}, {"ports": [{"containerPort": 80, "hostPort": 80}]}),
]


def warned(
    directory: Path, settings: dict[str, Any], job: dict[str, Any] | None = None
) -> list[str]:
    """Without the directory, which differs from test to test."""
    target = {"repository": "https://github.com/acme/shop", "branches": ["main"], **settings}
    (directory / "job.yaml").write_text(json.dumps(job))
    file = directory / "c.yaml"
    hook = {"provider": "github", "insecure": True, "repositories": ["**"]}
    configured = {"version": 1, "hooks": {"any": hook}, "targets": {"shop": target}}
    file.write_text(json.dumps(configured))
    lines = map(str, warnings(read_configuration(file, {})))
    return [line.replace(f"{directory}/", "") for line in lines]


def manifest(pod: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    containers = [{"name": "main", "image": "busybox", **container}]
    template = {"spec": {"containers": containers, **pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": template}}


@pytest.mark.parametrize(("field", "pod", "container"), NODE, ids=[each[0] for each in NODE])
@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_access_to_the_node_is_warned_of(
    tmp_path: Path, field: str, pod: dict[str, Any], container: dict[str, Any], kind: str
) -> None:
    if container and kind == "initContainers":
        pod, container = {"initContainers": [{"name": "a", "image": "b", **container}]}, {}
    inner = f"{kind}[0]." if container or kind in pod else ""

    (line,) = warned(tmp_path, {"job": {"manifest": "job.yaml"}}, manifest(pod, container))

    assert line.startswith(f"job.yaml:1: spec.template.spec.{inner}{field}: target shop: ")
    assert line.endswith(
        "and so gives it to everyone who can push; remove it if the Job does not need it"
    )


def test_what_gives_no_access_is_not(tmp_path: Path) -> None:
    pod = {
        "hostNetwork": False,
        "hostUsers": False,
        "volumes": [{"name": "v", "emptyDir": {}}],
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
    }
    container = {
        "securityContext": {"privileged": False, "capabilities": {"add": ["NET_BIND_SERVICE"]}},
        "ports": [{"containerPort": 80}],
    }
    assert warned(tmp_path, {"job": {"manifest": "job.yaml"}}, manifest(pod, container)) == []


@pytest.mark.parametrize(
    ("repository", "said"),
    [
        ("http://git.example.com/acme/shop", "is sent unencrypted to an http:// repository"),
        ("HTTP://git.example.com/acme/shop", "is sent unencrypted to an http:// repository"),
        ("git://git.example.com/acme/shop", "cannot be used with a git:// repository"),
        ("https://git.example.com/acme/shop", ""),
        ("ssh://git@git.example.com/acme/shop", ""),
        ("git@git.example.com:acme/shop", ""),
    ],
)
def test_a_secret_that_everyone_on_the_way_reads_is_warned_of(
    tmp_path: Path, repository: str, said: str
) -> None:
    job = {"image": "x", "clone": {"secret": "key"}}

    lines = warned(tmp_path, {"repository": repository, "job": job})
    without = warned(tmp_path, {"repository": repository, "job": {"image": "x"}})

    assert [line.startswith(f"targets.shop.job.clone.secret: {said}") for line in lines] == (
        [True] if said else []
    )
    assert all("write its URL with https://" in line for line in lines)
    assert without == []


@pytest.mark.parametrize("grace", [600, 601])
def test_a_pod_that_takes_longer_to_end_than_is_waited_for(tmp_path: Path, grace: int) -> None:
    short = {"image": "x", "stop_grace": f"{grace}s"}
    long = manifest({"terminationGracePeriodSeconds": grace}, {})

    for job in (short, {"manifest": "job.yaml"}):
        lines = warned(tmp_path, {"stop_timeout": "10m", "job": job}, long)
        expected = "targets.shop.stop_timeout: (10m) is shorter than its Pods' grace period"
        assert [line.startswith(expected) for line in lines] == ([True] if grace > 600 else [])


def test_names_that_the_clone_takes_are_a_mistake(tmp_path: Path) -> None:
    from dispatcher.domain.errors import ConfigError

    taken = manifest({"initContainers": [{"name": "clone", "image": "x"}]}, {})
    home = manifest({"volumes": [{"name": "git-dispatcher-home", "emptyDir": {}}]}, {})

    for job, said in (
        (taken, "adds a container `clone`"),
        (home, "adds a volume `git-dispatcher-home`"),
    ):
        with pytest.raises(ConfigError, match=said):
            warned(tmp_path, {"job": {"manifest": "job.yaml", "clone": True}}, job)
        assert warned(tmp_path, {"job": {"manifest": "job.yaml"}}, job) == []
