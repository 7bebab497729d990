"""The Pod of a short form job: one container, secure by default. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dispatcher.config import EnvFrom, EnvReference, ShortJob
from workers.manifest import clone

Json = dict[str, Any]

NAME = "deploy"
WORKSPACE: Json = {"name": clone.WORKSPACE_VOLUME, "emptyDir": {}}
WORKSPACE_MOUNT: Json = {"name": clone.WORKSPACE_VOLUME, "mountPath": clone.WORKSPACE}
_TMP: Json = {"name": "tmp", "emptyDir": {}}
_TMP_MOUNT: Json = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - in a container of its own


def pod_spec(job: ShortJob) -> Json:
    """The spec of the Pod."""
    return {
        "restartPolicy": "Never",
        "enableServiceLinks": False,
        "automountServiceAccountToken": job.service_account_token,
        "terminationGracePeriodSeconds": job.stop_grace,
        "securityContext": _pod_security(job.run_as_user),
        **_placement(job),
        **({"initContainers": [_clone(job)]} if job.clone else {}),
        "containers": [_container(job)],
        "volumes": [
            WORKSPACE,
            *([_TMP] if job.read_only_root else []),
            *(clone.volumes(job.clone) if job.clone else []),
        ],
    }


def idle_pod_spec(image: str) -> Json:
    """The spec of a Pod for a suspended Job: it never runs, and would do nothing if it did."""
    container = {"name": NAME, "image": image, "command": ["false"]}
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": _pod_security(1000),
        "containers": [container | {"securityContext": container_security()}],
    }


def container_security(read_only_root: bool = False) -> Json:
    """What the "restricted" Pod Security Standard asks of a container."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        **({"readOnlyRootFilesystem": True} if read_only_root else {}),
    }


def _pod_security(user: int) -> Json:
    return {
        "runAsNonRoot": user != 0,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _placement(job: ShortJob) -> Json:
    """Settings that Kubernetes takes as they are, without those that are not configured."""
    written = {
        "serviceAccountName": job.service_account,
        "imagePullSecrets": [{"name": name} for name in job.image_pull_secrets],
        "nodeSelector": dict(job.node_selector),
        "tolerations": [t.model_dump(by_alias=True, exclude_unset=True) for t in job.tolerations],
    }
    return {name: value for name, value in written.items() if value}


def _clone(job: ShortJob) -> Json:
    """With the resources of the main container: the two run one after the other, so that costs nothing, and it
    meets a quota that asks for limits."""
    if not job.clone:
        return {}
    return {
        **_resources(job),
        **clone.container(job.clone),
        "securityContext": container_security() | clone.run_as(job.clone),
    }


def _container(job: ShortJob) -> Json:
    written = {
        "command": list(job.command),
        "args": list(job.args),
        "env": [*_git_trust(job), *(_variable(name, value) for name, value in job.env.items())],
        "envFrom": [_env_from(source) for source in job.env_from],
    }
    return {
        "name": NAME,
        "image": job.image,
        **{name: value for name, value in written.items() if value},
        "workingDir": clone.WORKSPACE,
        "volumeMounts": [WORKSPACE_MOUNT, *([_TMP_MOUNT] if job.read_only_root else [])],
        **_resources(job),
        "securityContext": container_security(job.read_only_root),
    }


def _git_trust(job: ShortJob) -> list[dict[str, str]]:
    """Lets git work in the workspace, whose directory belongs to root.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
    """
    return git_trust([clone.WORKSPACE]) if job.clone else []


def git_trust(directories: Sequence[str]) -> list[Json]:
    """Environment variables that let Git work in directories that belong to another user."""
    values = {"GIT_CONFIG_COUNT": str(len(directories))}
    for index, directory in enumerate(directories):
        values |= {f"GIT_CONFIG_KEY_{index}": "safe.directory"}
        values |= {f"GIT_CONFIG_VALUE_{index}": directory}
    return [{"name": name, "value": value} for name, value in values.items()]


def _variable(name: str, value: str | EnvReference) -> Json:
    if isinstance(value, str):
        return {"name": name, "value": value}
    kind = "secretKeyRef" if value.secret else "configMapKeyRef"
    source: Json = {"name": value.secret or value.config_map, "key": value.key}
    if value.optional:
        source["optional"] = True
    return {"name": name, "valueFrom": {kind: source}}


def _env_from(source: EnvFrom) -> Json:
    kind = "secretRef" if source.secret else "configMapRef"
    reference: Json = {"name": source.secret or source.config_map}
    if source.optional:
        reference["optional"] = True
    return {kind: reference, **({"prefix": source.prefix} if source.prefix else {})}


def _resources(job: ShortJob) -> Json:
    resources = job.resources.model_dump(exclude_unset=True)
    return {"resources": resources} if resources else {}
