from __future__ import annotations

from typing import Any

import pytest

from dispatcher.local.cluster.admission.pod_security import ENFORCE, violation

SAFE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def a_spec(context: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", "securityContext": context}], **more}


@pytest.mark.parametrize(
    ("level", "spec", "part"),
    [
        (None, a_spec({"privileged": True}), ""),
        ("privileged", a_spec({"privileged": True}), ""),
        ("baseline", a_spec({}), ""),
        ("baseline", a_spec({"privileged": True}), 'privileged (container "main"'),
        ("baseline", a_spec({}, hostNetwork=True), "host namespaces (hostNetwork=true)"),
        ("baseline", a_spec({}, volumes=[{"name": "v", "hostPath": {}}]), "hostPath volumes"),
        ("restricted", a_spec(SAFE), ""),
        ("restricted", a_spec({}), "runAsNonRoot != true"),
        ("restricted", a_spec(SAFE | {"privileged": True}), "privileged"),
        ("restricted", a_spec(SAFE | {"seccompProfile": {"type": "Unconfined"}}), "seccompProfile"),
        (
            "restricted",
            a_spec(
                {key: SAFE[key] for key in ("allowPrivilegeEscalation", "capabilities")},
                securityContext={key: SAFE[key] for key in ("runAsNonRoot", "seccompProfile")},
            ),
            "",
        ),
    ],
)
def test_what_a_namespace_takes(level: str | None, spec: dict[str, Any], part: str) -> None:
    labels = {ENFORCE: level} if level else {}
    found = violation({"metadata": {"labels": labels}}, spec)
    assert part in found
    assert bool(found) is bool(part)


def test_all_containers_that_break_a_rule_are_named() -> None:
    spec = a_spec({}, initContainers=[{"name": "first"}])
    found = violation({"metadata": {"labels": {ENFORCE: "restricted"}}}, spec)
    assert 'containers "first", "main" must set securityContext.runAsNonRoot=true' in found
