"""Adds the clone to a Pod of the user's: its container, the workspace, and Git's trust in it. Pure.

What is added meets the "restricted" Pod Security Standard and a quota if the user's containers do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dispatcher.config import Clone
from workers.manifest import clone, short_form

Json = dict[str, Any]

USER = 1000
"""The user that clones if the Pod names none. The clone's image has it."""


def add_clone(pod: Json, settings: Clone) -> None:
    """Adds the clone as the first init container, and mounts the workspace in every container that mounts
    nothing at its path."""
    present = {volume.get("name") for volume in pod.get("volumes") or []}
    workspace = [] if clone.WORKSPACE_VOLUME in present else [short_form.WORKSPACE]
    pod["volumes"] = [*(pod.get("volumes") or []), *workspace, *clone.volumes(settings)]
    for container in containers(pod):
        mounts = container.get("volumeMounts") or []
        taken = any(mount.get("mountPath") == clone.WORKSPACE for mount in mounts)
        container["volumeMounts"] = mounts if taken else [*mounts, short_form.WORKSPACE_MOUNT]
    security = short_form.container_security() | clone.run_as(settings)
    first = clone.container(settings) | {"securityContext": security}
    pod["initContainers"] = [first, *(pod.get("initContainers") or [])]


def complete_clone(pod: Json, settings: Clone) -> None:
    """Adds what follows from the user's containers, or comes with this version: in no digest."""
    first, *others = containers(pod)
    first |= clone.shipped(settings)
    first["securityContext"] = _identity(pod) | first["securityContext"]
    if resources := _resources(pod["containers"][0]):
        first.setdefault("resources", resources)
    for volume in pod["volumes"]:
        if volume.get("name") == clone.CREDENTIALS_VOLUME:
            # Only one container mounts it. Any user can read it, since there may be no fsGroup.
            volume["secret"]["defaultMode"] = 0o444
    for container in others:
        _trust(container)


def containers(pod: Json) -> Iterator[Json]:
    """The containers, in the order in which they start."""
    yield from pod.get("initContainers") or []
    yield from pod["containers"]


def _identity(pod: Json) -> Json:
    """The first container's user and group, so that it can write what was cloned."""
    own = {**_mapping(pod, "securityContext"), **_mapping(pod["containers"][0], "securityContext")}
    user = own.get("runAsUser")
    user = USER if type(user) is not int else user
    return {
        "runAsNonRoot": user != 0,
        "runAsUser": user,
        **({"runAsGroup": own["runAsGroup"]} if type(own.get("runAsGroup")) is int else {}),
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _resources(container: Json) -> Json:
    given = _mapping(container, "resources")
    return {kind: given[kind] for kind in ("requests", "limits") if given.get(kind)}


def _trust(container: Json) -> None:
    """The workspace belongs to root, the repository in it perhaps to another user: Git trusts neither by
    itself.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
    """
    env = container.get("env") or []
    if any(variable["name"] == "GIT_CONFIG_COUNT" for variable in env):
        return
    mounts = container["volumeMounts"]
    paths = [each["mountPath"] for each in mounts if each.get("name") == clone.WORKSPACE_VOLUME]
    trusted = [each for path in paths for each in (path, f"{path.rstrip('/')}/*")]
    container["env"] = [*short_form.git_trust(trusted), *env] if trusted else env


def _mapping(parent: Json, name: str) -> Json:
    value = parent.get(name)
    return (
        {key: each for key, each in value.items() if each is not None}
        if isinstance(value, dict)
        else {}
    )
