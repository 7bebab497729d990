"""Privileges on the node that a manifest asks for: everyone who can push to the target gets them.

Follows the "baseline" Pod Security Standard, except for sysctls and SELinux, which the kubelet and the
node's policy refuse by themselves.
https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dispatcher.config.jobspec import POD, Found, at
from dispatcher.config.mistakes import Location

_OF_THE_NODE = {
    "hostNetwork": "gives it the node's network",
    "hostPID": "shows it all processes of the node",
    "hostIPC": "gives it the node's shared memory",
}
_ORDINARY = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"}
    | {"NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
"""Capabilities that a container has by default."""


def privileges(data: dict[str, Any]) -> Iterator[Found]:
    """Each privileged field and what it gives the Job. Expects data whose shape has been checked."""
    pod = at(data, POD)
    for field, text in _OF_THE_NODE.items():
        if pod.get(field) is True:
            yield (*POD, field), text
    for index, volume in enumerate(pod.get("volumes") or []):
        if isinstance(volume, dict) and volume.get("hostPath"):
            yield (*POD, "volumes", index, "hostPath"), "gives it files of the node"
    yield from _of_context(pod.get("securityContext"), (*POD, "securityContext"))
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(pod.get(kind) or []):
            yield from _of_container(container, (*POD, kind, index))


def _of_container(container: dict[str, Any], location: Location) -> Iterator[Found]:
    ports = container.get("ports")
    for index, port in enumerate(ports if isinstance(ports, list) else []):
        if isinstance(port, dict) and port.get("hostPort"):
            yield (*location, "ports", index, "hostPort"), "gives it a port of the node"
    yield from _of_context(container.get("securityContext"), (*location, "securityContext"))


def _of_context(context: Any, location: Location) -> Iterator[Found]:
    """The privileges in a securityContext of a Pod or of a container."""
    if not isinstance(context, dict):
        return
    if context.get("privileged") is True:
        yield (*location, "privileged"), "gives it the node, with root's rights"
    if at(context, ("windowsOptions", "hostProcess")) is True:
        yield (*location, "windowsOptions", "hostProcess"), "gives it the node"
    if context.get("procMount") == "Unmasked":
        yield (*location, "procMount"), "shows it parts of the node that the runtime hides"
    for profile in ("seccompProfile", "appArmorProfile"):
        if at(context, (profile, "type")) == "Unconfined":
            yield (*location, profile, "type"), "removes a protection between it and the node"
    yield from _capabilities(context, location)


def _capabilities(context: dict[str, Any], location: Location) -> Iterator[Found]:
    added = at(context, ("capabilities", "add"))
    for index, name in enumerate(added if isinstance(added, list) else []):
        if isinstance(name, str) and name not in _ORDINARY:
            text = f"{name} gives it rights on the node"
            yield (*location, "capabilities", "add", index), text
