"""The Pod Security Standards: what a namespace's label forbids its Pods. Pure.

Only the rules that Pods of Jobs tend to break are implemented.
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Callable, Iterator

from dispatcher.local.cluster.apimachinery.objects import Object, labels_of

ENFORCE = "pod-security.kubernetes.io/enforce"

_LEVELS = ("privileged", "baseline", "restricted")
_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC")


def violation(namespace: Object, pod_spec: Object) -> str:
    """Why a namespace doesn't take a Pod; nothing, if it does."""
    level = labels_of(namespace).get(ENFORCE, "privileged")
    rules = _RULES[: _LEVELS.index(level)] if level in _LEVELS else ()
    found = [mistake for rule in rules for mistake in rule(pod_spec)]
    return f'violates PodSecurity "{level}:latest": {", ".join(found)}' if found else ""


def _baseline(spec: Object) -> Iterator[str]:
    if used := [field for field in _HOST_FIELDS if spec.get(field)]:
        yield f"host namespaces ({', '.join(f'{field}=true' for field in used)})"
    yield from _each(
        spec, "privileged", "must not set securityContext.privileged=true", _is_unprivileged
    )
    if any("hostPath" in volume for volume in spec.get("volumes") or []):
        yield "hostPath volumes"


def _restricted(spec: Object) -> Iterator[str]:
    whole = spec.get("securityContext") or {}
    yield from _each(
        spec, "allowPrivilegeEscalation != false",
        "must set securityContext.allowPrivilegeEscalation=false",
        lambda context: context.get("allowPrivilegeEscalation") is False,
    )  # fmt: skip
    yield from _each(
        spec, "unrestricted capabilities",
        'must set securityContext.capabilities.drop=["ALL"]',
        lambda context: "ALL" in ((context.get("capabilities") or {}).get("drop") or []),
    )  # fmt: skip
    yield from _each(
        spec, "runAsNonRoot != true", "must set securityContext.runAsNonRoot=true",
        lambda context: context.get("runAsNonRoot", whole.get("runAsNonRoot")) is True,
    )  # fmt: skip
    yield from _each(
        spec, "seccompProfile",
        'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"',
        lambda context: _profile(context) or _profile(whole),
    )  # fmt: skip


def _is_unprivileged(context: Object) -> bool:
    return not context.get("privileged")


def _profile(context: Object) -> bool:
    kind = (context.get("seccompProfile") or {}).get("type")
    return kind in ("RuntimeDefault", "Localhost")


def _each(spec: Object, rule: str, advice: str, holds: Callable[[Object], bool]) -> Iterator[str]:
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    broken = [each["name"] for each in containers if not holds(each.get("securityContext") or {})]
    if broken:
        names = ", ".join(f'"{name}"' for name in broken)
        yield f"{rule} (container{'s' if len(broken) > 1 else ''} {names} {advice})"


_RULES = (_baseline, _restricted)
