"""The cluster that a contract test talks to, and the objects that it makes there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from kubernetes import client

IMAGE = "busybox:1.36"

Json = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """The official client's two APIs, and a namespace that is the test's own.

    They are typed loosely, because the client takes plain dicts where its stubs ask for models.
    """

    core: Any
    batch: Any
    namespace: str

    def create_job(self, script: str, **spec: Any) -> Any:
        body = job(script, **spec)
        return self.batch.create_namespaced_job(self.namespace, body)

    def create_pod(self, body: Json) -> Any:
        return self.core.create_namespaced_pod(self.namespace, body)

    def delete_job(self, name: str, policy: str | None = "Background", **options: Any) -> Any:
        body = client.V1DeleteOptions(propagation_policy=policy, **options)
        return self.batch.delete_namespaced_job(name, self.namespace, body=body)

    def delete_pod(self, name: str, **options: Any) -> Any:
        body = client.V1DeleteOptions(**options)
        return self.core.delete_namespaced_pod(name, self.namespace, body=body)

    def raw(self, method: str, path: str, body: Json) -> tuple[int, Json]:
        """A request that the client's own checks would not let through: its status and answer."""
        api = self.core.api_client
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = api.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        response = api.call_api(*request)
        response.read()
        return response.status, json.loads(response.data)

    def log(self, pod: str, **options: Any) -> str:
        return str(self.core.read_namespaced_pod_log(pod, self.namespace, **options))


def refusal(error: pytest.ExceptionInfo[client.ApiException]) -> Json:
    """The Status that an API error carries."""
    status: Json = json.loads(error.value.body or "")
    assert status["kind"] == "Status"
    assert status["status"] == "Failure"
    assert status["code"] == error.value.status
    return status


def unique(prefix: str = "job") -> str:
    return f"{prefix}-{uuid4().hex[:8]}"


def container(script: str, name: str = "main", **more: Any) -> Json:
    return {"name": name, "image": IMAGE, "command": ["sh", "-c", script], **more}


def pod_spec(*containers: Json, **more: Any) -> Json:
    """A short grace period, since a shell that is a container's first process ignores SIGTERM."""
    least = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 2}
    return {**least, "containers": list(containers), **more}


def pod(*containers: Json, name: str = "", **spec: Any) -> Json:
    metadata = {"name": name or unique("pod")}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    return {**body, "spec": pod_spec(*containers, **spec)}


def job(
    script: str = "true",
    *,
    name: str = "",
    labels: dict[str, str] | None = None,
    finalizers: list[str] | None = None,
    template: Json | None = None,
    **spec: Any,
) -> Json:
    """A Job of one container; `template` replaces parts of its Pod's spec."""
    metadata: Json = {"name": name or unique(), "labels": labels or {}}
    if finalizers:
        metadata["finalizers"] = finalizers
    pods = {"spec": pod_spec(container(script)) | (template or {})}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}
    return {**body, "spec": {"backoffLimit": 0, **spec, "template": pods}}


FOREVER = "trap 'exit 7' TERM; while true; do sleep 0.1; done"
STUBBORN = "trap '' TERM; echo started; while true; do sleep 0.1; done"
