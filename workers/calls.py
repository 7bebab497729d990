"""What acting on the cluster needs of it."""

from __future__ import annotations

from typing import Protocol

from workers.objects import Job, Pod


class ClusterCalls(Protocol):
    """What reconciling needs of the cluster: see `workers.cluster.Cluster`."""

    def create_job(self, manifest: dict[str, object]) -> Job: ...
    def job(self, namespace: str, name: str) -> Job: ...
    def delete_job(self, namespace: str, name: str, uid: str) -> bool: ...
    def pods(self, namespace: str, selector: str) -> list[Pod]: ...
    def log_tail(self, namespace: str, pod: str, container: str) -> str: ...
