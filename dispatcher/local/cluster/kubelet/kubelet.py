"""The kubelet: runs the Pods that are bound to its node, and reports their status."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dispatcher.local.cluster.apimachinery.api_errors import InternalError
from dispatcher.local.cluster.apimachinery.conditions import keep_transition_times
from dispatcher.local.cluster.apimachinery.nodes import NODE, is_off
from dispatcher.local.cluster.apimachinery.objects import (
    Object,
    clone,
    is_deleting,
    is_terminal,
    meta,
    name_of,
    namespace_of,
    uid_of,
)
from dispatcher.local.cluster.apimachinery.resources import (
    CONFIG_MAPS,
    NODES,
    PODS,
    SECRETS,
    Resource,
)
from dispatcher.local.cluster.client.event_recorder import EventRecorder, EventText
from dispatcher.local.cluster.kubelet.guardian import Guardian
from dispatcher.local.cluster.kubelet.logs import LogOptions, recorded
from dispatcher.local.cluster.kubelet.node_pressure import eviction
from dispatcher.local.cluster.kubelet.pod_run import PodRun
from dispatcher.local.cluster.kubelet.pod_status import (
    Failure,
    PodState,
    status_of,
)
from dispatcher.local.cluster.kubelet.reboot import is_over, status_after
from dispatcher.local.cluster.kubelet.volumes import remove, tidy
from dispatcher.local.cluster.registry.deletion import DeleteOptions
from dispatcher.local.cluster.registry.registry import Registry
from dispatcher.local.cluster.storage.changes import Change, ChangeType

log = logging.getLogger(__name__)

_STOP_GRACE = 0.3
# https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#graceful-node-shutdown
_SHUTDOWN = Failure(
    "Terminated",
    "Pod was terminated in response to imminent node shutdown.",
    "TerminationByKubelet",
)


class Kubelet:
    """`directory` is where the Pods' files are; `backoff` is in seconds.

    It acts from `boot` on, except while its node is switched off.
    """

    def __init__(
        self,
        registry: Registry,
        events: EventRecorder,
        directory: Path,
        guard: Guardian,
        backoff: float,
    ) -> None:
        self._registry = registry
        self._store = registry.store
        self._events = events
        self._directory = directory
        self._guard = guard
        self._backoff = backoff
        self._runs: dict[str, PodRun] = {}
        self._tasks: dict[PodRun, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._is_active = False
        self._is_off = False
        self._is_stopping = False
        self._store.listen(self._on_change)

    def boot(self) -> None:
        """Admits the Pods that are bound to the node; none of their processes runs any more."""
        node = self._store.get(NODES, "", NODE)
        self._is_off = node is not None and is_off(node)
        self._is_active = not self._is_off
        if not self._is_active:
            return
        pods = self._store.all(PODS)
        tidy(self._directory, {uid_of(pod) for pod in pods})
        for pod in filter(_is_bound, pods):
            self._admit(pod)

    def _on_change(self, change: Change) -> None:
        if change.resource == NODES and name_of(change.object) == NODE:
            self._on_node(change.object)
        elif not self._is_active:
            return
        elif change.resource in (SECRETS, CONFIG_MAPS):
            for run in self._runs.values():
                if namespace_of(run.pod) == namespace_of(change.object):
                    run.configuration_changed()
        elif change.resource == PODS and _is_bound(change.object):
            self._on_pod(change.type, change.object)

    def _on_node(self, node: Object) -> None:
        if self._is_active and is_off(node):
            self._lose_power()
        elif self._is_active and (failure := eviction(node)):
            for run in self._runs.values():
                if run in self._tasks:
                    run.evict(failure)
        elif self._is_off and not is_off(node):
            self._is_off = False
            self._start_in_background(self._boot_again())

    def _lose_power(self) -> None:
        """Kills everything at once and reports nothing."""
        self._is_active, self._is_off = False, True
        runs, self._runs = self._runs, {}
        for run in runs.values():
            run.terminate(0)

    async def _boot_again(self) -> None:
        if self._tasks:
            await asyncio.wait([*self._tasks.values()])
        self.boot()

    def _start_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _on_pod(self, change: ChangeType, pod: Object) -> None:
        uid = uid_of(pod)
        run = self._runs.get(uid)
        if change is not ChangeType.DELETED and run is None:
            self._admit(pod)
        elif run and change is ChangeType.DELETED:
            run.terminate(0)
            if run not in self._tasks:
                self._forget(run)
        elif run and is_deleting(pod):
            run.terminate(meta(pod).get("deletionGracePeriodSeconds", 0))

    def _admit(self, pod: Object) -> None:
        if self._is_stopping:
            return
        run = self._runs[uid_of(pod)] = self._new_run(pod)
        if is_over(pod):
            run.logs.update(recorded(run.directory / "logs"))
            work = self._finish_earlier(run)
        else:
            work = self._run(run)
        self._tasks[run] = asyncio.get_running_loop().create_task(work, name=uid_of(pod))

    def _new_run(self, pod: Object) -> PodRun:
        return PodRun(
            pod,
            self._directory / uid_of(pod),
            lookup=partial(self._lookup, namespace_of(pod)),
            guard=self._guard,
            clock=self._registry.clock,
            backoff=self._backoff,
            report=partial(self._report, pod),
            record=partial(self._record, pod),
        )

    def _lookup(self, namespace: str, resource: Resource, name: str) -> Object | None:
        return self._store.get(resource, namespace, name)

    async def _run(self, run: PodRun) -> None:
        """Runs a Pod to its end."""
        with self._cleanup(run):
            await run.run()
            self._finish(run.pod)

    async def _finish_earlier(self, run: PodRun) -> None:
        """Writes the end of a Pod that ran before the last restart."""
        with self._cleanup(run):
            if current := self._current(run.pod):
                after = status_after(current, self._registry.clock())
                self._registry.write(PODS, current, clone(current) | {"status": after})
                self._finish(run.pod)

    @contextmanager
    def _cleanup(self, run: PodRun) -> Iterator[None]:
        try:
            yield
        except Exception:
            log.exception("pod %s/%s: the kubelet failed", namespace_of(run.pod), name_of(run.pod))
        finally:
            del self._tasks[run]
            if self._is_active and self._current(run.pod) is None:
                self._forget(run)

    def _report(self, pod: Object, state: PodState) -> None:
        """Writes the status of a Pod that is still there."""
        current = self._current(pod)
        if current is None or is_terminal(current):
            return
        new = clone(current)
        new["status"] = status_of(state)
        keep_transition_times(current["status"], new["status"], self._registry.clock())
        self._registry.write(PODS, current, new)
        log.debug("pod %s/%s: %s", namespace_of(pod), name_of(pod), new["status"]["phase"])

    def _record(self, pod: Object, kind: str, reason: str, message: str, container: str) -> None:
        if self._current(pod) is None:
            return
        inits = [each["name"] for each in pod["spec"].get("initContainers") or []]
        part = "initContainers" if container in inits else "containers"
        field = f"spec.{part}{{{container}}}" if container else ""
        self._events.record(PODS, pod, EventText("kubelet", kind, reason, message, field))

    def _finish(self, pod: Object) -> None:
        """Deletes a Pod that was being deleted, now that its processes have ended."""
        current = self._current(pod)
        if current is not None and is_deleting(current):
            options = DeleteOptions(grace=0, uid=uid_of(pod))
            self._registry.delete(PODS, namespace_of(pod), name_of(pod), options)

    def _current(self, pod: Object) -> Object | None:
        """A Pod's present state, if it is still there and this node's to write."""
        found = self._store.get(PODS, namespace_of(pod), name_of(pod))
        same = found is not None and uid_of(found) == uid_of(pod)
        return found if same and uid_of(pod) in self._runs else None

    def _forget(self, run: PodRun) -> None:
        """Deletes a Pod's files in a thread of its own, because there may be many."""
        self._runs.pop(uid_of(run.pod), None)
        self._start_in_background(asyncio.to_thread(remove, run.directory))

    def read_log(
        self, pod: Object, container: str, options: LogOptions, previous: bool
    ) -> AsyncIterator[bytes] | None:
        """A container's log, or that of its attempt before; nothing if there is none."""
        if not self._is_active:
            raise InternalError(f'Get "https://{NODE}:10250/containerLogs": no route to host')
        run = self._runs.get(uid_of(pod))
        attempts = sorted(each for name, each in (run.logs if run else {}) if name == container)
        wanted = attempts[-2:-1] if previous else attempts[-1:]
        if run is None or not wanted:
            return None
        return run.logs[container, wanted[0]].read(options)

    async def stop(self) -> None:
        """Ends all Pods' processes quickly, and reports it, as a node does that shuts down."""
        self._is_stopping = True
        for run in self._runs.values():
            run.terminate(_STOP_GRACE, _SHUTDOWN)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=5 * _STOP_GRACE)


def _is_bound(pod: Object) -> bool:
    return bool(pod["spec"].get("nodeName") == NODE)
