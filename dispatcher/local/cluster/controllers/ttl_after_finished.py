"""The TTL-after-finished controller: deletes finished Jobs.

https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
"""

from dispatcher.local.cluster.apimachinery.objects import (
    Object,
    is_deleting,
    name_of,
    namespace_of,
    parse_timestamp,
    uid_of,
)
from dispatcher.local.cluster.apimachinery.resources import JOBS
from dispatcher.local.cluster.client.workqueue import WorkQueue
from dispatcher.local.cluster.registry.deletion import DeleteOptions, Propagation
from dispatcher.local.cluster.registry.registry import Registry
from dispatcher.local.cluster.storage.changes import Change, ChangeType


class TTLAfterFinishedController:
    """Deletes a finished Job `ttlSecondsAfterFinished` seconds after its end."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.queue: WorkQueue[tuple[str, str]] = WorkQueue(self._reconcile)
        registry.store.listen(self._on_change)

    def _on_change(self, change: Change) -> None:
        if change.resource == JOBS and change.type is not ChangeType.DELETED:
            self.queue.add((namespace_of(change.object), name_of(change.object)))

    def _reconcile(self, key: tuple[str, str]) -> None:
        job = self._registry.store.get(JOBS, *key)
        left = self._time_left(job) if job and not is_deleting(job) else None
        if job is None or left is None:
            return
        if left > 0:
            self.queue.add_after(key, left)
            return
        options = DeleteOptions(propagation=Propagation.FOREGROUND, uid=uid_of(job))
        self._registry.delete(JOBS, *key, options)

    def _time_left(self, job: Object) -> float | None:
        """Seconds that a finished Job may stay; nothing, if it isn't finished or may stay."""
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return None
        for condition in (job.get("status") or {}).get("conditions") or []:
            if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                ended = parse_timestamp(condition["lastTransitionTime"])
                return float(ttl) - (self._registry.clock() - ended).total_seconds()
        return None
