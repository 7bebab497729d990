"""The calls to the cluster that a reconcile makes, each of which renews the target's lease first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from workers.kube.objects import Event, Job, Pod, PodList


class ClusterClient(Protocol):
    """What a reconcile needs of `workers.kube.client.Cluster`. Each method is one request."""

    def create_job(self, manifest: dict[str, object]) -> Job: ...
    def job(self, namespace: str, name: str) -> Job: ...
    def delete_job(self, namespace: str, name: str, uid: str) -> bool: ...
    def page_of_pods(self, namespace: str, selector: str, position: str = "") -> PodList: ...
    def events(self, namespace: str, uid: str) -> list[Event]: ...
    def log_tail(self, namespace: str, pod: str, container: str) -> str: ...


class LeasedCluster:
    """Calls `renew` before every request, so that the lease outlasts the longest wait for an answer.

    `renew` raises what a write of the draft raises.
    """

    def __init__(self, cluster: ClusterClient, renew: Callable[[], None]) -> None:
        self._cluster, self._renew = cluster, renew

    def create_job(self, manifest: dict[str, object]) -> Job:
        self._renew()
        return self._cluster.create_job(manifest)

    def job(self, namespace: str, name: str) -> Job:
        self._renew()
        return self._cluster.job(namespace, name)

    def delete_job(self, namespace: str, name: str, uid: str) -> bool:
        self._renew()
        return self._cluster.delete_job(namespace, name, uid)

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        """The Pods of all pages."""
        found: list[Pod] = []
        position = ""
        while True:
            self._renew()
            page = self._cluster.page_of_pods(namespace, selector, position)
            found += page.items
            position = page.metadata.continue_
            if not position:
                return found

    def events(self, namespace: str, uid: str) -> list[Event]:
        self._renew()
        return self._cluster.events(namespace, uid)

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        self._renew()
        return self._cluster.log_tail(namespace, pod, container)
