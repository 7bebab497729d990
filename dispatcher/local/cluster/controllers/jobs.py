"""The Job controller: creates and deletes each Job's Pods, and writes its status.

It carries out what `job_plan` decides, and decides nothing itself.
"""

from dispatcher.local.cluster.apimachinery.api_errors import ApiError
from dispatcher.local.cluster.apimachinery.objects import (
    JOB_TRACKING,
    Object,
    controller_uid,
    finalizers_of,
    meta,
    name_of,
    namespace_of,
    owners_of,
    uid_of,
)
from dispatcher.local.cluster.apimachinery.resources import JOBS, PODS
from dispatcher.local.cluster.client.event_recorder import EventRecorder
from dispatcher.local.cluster.client.workqueue import WorkQueue
from dispatcher.local.cluster.controllers.job_events import changed, created, deleted, not_created
from dispatcher.local.cluster.controllers.job_plan import Backoff, Plan, plan
from dispatcher.local.cluster.controllers.job_view import is_finished
from dispatcher.local.cluster.registry.deletion import DeleteOptions, Propagation
from dispatcher.local.cluster.registry.registry import Registry, generate_name
from dispatcher.local.cluster.storage.changes import Change, ChangeType, Key

# A real controller's wait grows from a second on.
_RETRY_AFTER = 1.0


class JobController:
    """`backoff` is the delay in seconds before a failed Pod is first replaced."""

    def __init__(self, registry: Registry, events: EventRecorder, backoff: float) -> None:
        self._registry = registry
        self._events = events
        self._store = registry.store
        self._base = backoff
        self._backoffs: dict[str, Backoff] = {}
        self.queue: WorkQueue[Key] = WorkQueue(self._reconcile)
        self.orphans: WorkQueue[Key] = WorkQueue(self._release_orphan)
        self._store.listen(self._on_change)

    def _on_change(self, change: Change) -> None:
        obj = change.object
        key = (namespace_of(obj), name_of(obj))
        if change.resource == JOBS:
            self.queue.add(key)
            if change.type is ChangeType.DELETED:
                self._forget(obj)
        elif change.resource == PODS:
            for owner in owners_of(obj):
                if owner.get("kind") == JOBS.kind:
                    self.queue.add((namespace_of(obj), str(owner.get("name"))))
            self.orphans.add(key)

    def _forget(self, job: Object) -> None:
        self._backoffs.pop(uid_of(job), None)
        for resource, pod in self._store.dependents(uid_of(job)):
            if resource == PODS:
                self.orphans.add((namespace_of(pod), name_of(pod)))

    def _release_orphan(self, key: Key) -> None:
        """Releases a Pod that no Job will count any more."""
        pod = self._store.get(PODS, *key)
        if pod is None or JOB_TRACKING not in finalizers_of(pod):
            return
        uid = controller_uid(pod)
        owners = [str(owner.get("name")) for owner in owners_of(pod) if owner.get("uid") == uid]
        if not any(self._store.exists(str(uid), JOBS, key[0], name) for name in owners):
            self._registry.release(PODS, pod, JOB_TRACKING)

    def _reconcile(self, key: Key) -> None:
        job = self._store.get(JOBS, *key)
        if job is None or is_finished(job):
            return
        pods = [
            pod
            for resource, pod in self._store.dependents(uid_of(job))
            if resource == PODS and controller_uid(pod) == uid_of(job)
        ]
        backoff = self._backoffs.get(uid_of(job), Backoff())
        decided = plan(job, pods, backoff, self._registry.clock(), self._base)
        self._carry_out(job, decided)
        if decided.again_after is not None:
            self.queue.add_after(key, decided.again_after)

    def _carry_out(self, job: Object, decided: Plan) -> None:
        self._backoffs[uid_of(job)] = decided.backoff
        # After a crash between releasing a Pod and counting it, the Pod would be created again.
        with self._store.step():
            self._write(job, decided)

    def _write(self, job: Object, decided: Plan) -> None:
        namespace, name = namespace_of(job), name_of(job)
        count = sum(self._create_pod(job) for _ in range(decided.create))
        for pod in decided.delete:
            options = DeleteOptions(propagation=Propagation.BACKGROUND, uid=uid_of(pod))
            self._registry.delete(PODS, namespace, name_of(pod), options)
            self._events.record(JOBS, job, deleted(pod))
        if decided.interim is not None:
            self._registry.write_status(JOBS, namespace, name, decided.interim)
        for pod in decided.release:
            self._registry.release(PODS, pod, JOB_TRACKING)
        if count < decided.create:
            subtract_missing(decided.status, decided.create - count)
            self.queue.add_after((namespace, name), _RETRY_AFTER)
        self._registry.write_status(JOBS, namespace, name, decided.status)
        for text in changed(job.get("status") or {}, decided.status):
            self._events.record(JOBS, job, text)

    def _create_pod(self, job: Object) -> bool:
        """Creates a Pod. If admission refuses it, only a user can change that."""
        pod = pod_of(job, generate_name(f"{name_of(job)}-"))
        try:
            created_pod = self._registry.create(PODS, namespace_of(job), pod)
        except ApiError as error:
            self._events.record(JOBS, job, not_created(_without_name(str(error), pod)))
            return False
        self._events.record(JOBS, job, created(created_pod))
        return True


def _without_name(message: str, pod: Object) -> str:
    """The prefix instead of the name: the same words each time, so that they count as one event."""
    return message.replace(name_of(pod), meta(pod)["generateName"])


def subtract_missing(status: Object, pods: int) -> None:
    """Takes Pods that could not be created off the status' `active`, in place."""
    status["active"] -= pods
    if not status["active"]:
        del status["active"]


def pod_of(job: Object, name: str) -> Object:
    """The Pod that a Job's template asks for."""
    template = job["spec"]["template"]
    metadata = dict(template.get("metadata") or {})
    metadata.pop("creationTimestamp", None)
    metadata["name"] = name
    metadata["generateName"] = f"{name_of(job)}-"
    metadata["finalizers"] = [*(metadata.get("finalizers") or []), JOB_TRACKING]
    metadata["ownerReferences"] = [
        {
            "apiVersion": JOBS.api_version,
            "kind": JOBS.kind,
            "name": name_of(job),
            "uid": uid_of(job),
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
