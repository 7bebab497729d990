"""The node: runs every Pod that there is, and writes down what becomes of it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from workers.localcluster.deletion import DeleteOptions
from workers.localcluster.guardian import Guardian
from workers.localcluster.logs import LogOptions
from workers.localcluster.objects import (
    Object,
    clone,
    is_deleting,
    is_terminal,
    meta,
    name_of,
    namespace_of,
    uid_of,
)
from workers.localcluster.podrun import PodRun
from workers.localcluster.podstatus import NODE, PodState, keep_transition_times, status_of
from workers.localcluster.registry import Registry
from workers.localcluster.resources import CONFIG_MAPS, PODS, SECRETS, Resource
from workers.localcluster.store import Change, ChangeType
from workers.localcluster.volumes import remove

log = logging.getLogger(__name__)

_STOP_GRACE = 0.3


class Kubelet:
    """`directory` is where the Pods' files are; `backoff` is in seconds."""

    def __init__(
        self, registry: Registry, directory: Path, guard: Guardian, backoff: float
    ) -> None:
        self._registry = registry
        self._store = registry.store
        self._directory = directory
        self._guard = guard
        self._backoff = backoff
        self._runs: dict[str, PodRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._removals: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._store.listen(self._note)

    def _note(self, change: Change) -> None:
        if change.resource in (SECRETS, CONFIG_MAPS):
            for run in self._runs.values():
                if namespace_of(run.pod) == namespace_of(change.object):
                    run.reconsider()
        elif change.resource == PODS:
            self._note_pod(change.type, change.object)

    def _note_pod(self, change: ChangeType, pod: Object) -> None:
        uid = uid_of(pod)
        run = self._runs.get(uid)
        if change is ChangeType.ADDED and not self._stopped:
            self._admit(pod)
        elif run and change is ChangeType.DELETED:
            run.terminate(0)
            if uid not in self._tasks:
                self._forget(uid)
        elif run and is_deleting(pod):
            run.terminate(meta(pod).get("deletionGracePeriodSeconds", 0))

    def _admit(self, pod: Object) -> None:
        uid = uid_of(pod)
        run = PodRun(
            pod,
            self._directory / uid,
            lookup=partial(self._lookup, namespace_of(pod)),
            guard=self._guard,
            clock=self._registry.clock,
            backoff=self._backoff,
            report=partial(self._report, pod),
        )
        self._runs[uid] = run
        self._tasks[uid] = asyncio.get_running_loop().create_task(self._run(run), name=uid)

    def _lookup(self, namespace: str, resource: Resource, name: str) -> Object | None:
        return self._store.get(resource, namespace, name)

    async def _run(self, run: PodRun) -> None:
        uid = uid_of(run.pod)
        try:
            await run.run()
            self._finish(run.pod)
        except Exception:
            log.exception("pod %s/%s broke", namespace_of(run.pod), name_of(run.pod))
        finally:
            del self._tasks[uid]
            if self._current(run.pod) is None:
                self._forget(uid)

    def _report(self, pod: Object, state: PodState) -> None:
        """Writes the status of a Pod that is still there, and binds it to this node."""
        current = self._current(pod)
        if current is None or is_terminal(current):
            return
        new = clone(current)
        new["spec"]["nodeName"] = NODE
        new["status"] = status_of(state)
        keep_transition_times(current["status"], new["status"], self._registry.clock())
        self._registry.write(PODS, current, new)
        log.debug("pod %s/%s: %s", namespace_of(pod), name_of(pod), new["status"]["phase"])

    def _finish(self, pod: Object) -> None:
        """A Pod that was being deleted may go, now that its processes have."""
        current = self._current(pod)
        if current is not None and is_deleting(current):
            options = DeleteOptions(grace=0, uid=uid_of(pod))
            self._registry.delete(PODS, namespace_of(pod), name_of(pod), options)

    def _current(self, pod: Object) -> Object | None:
        found = self._store.get(PODS, namespace_of(pod), name_of(pod))
        return found if found and uid_of(found) == uid_of(pod) else None

    def _forget(self, uid: str) -> None:
        """Deletes a Pod's files in a thread of its own, because there may be many."""
        directory = self._runs.pop(uid).directory
        removal = asyncio.get_running_loop().create_task(asyncio.to_thread(remove, directory))
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)

    def read_log(
        self, pod: Object, container: str, options: LogOptions, previous: bool
    ) -> AsyncIterator[bytes] | None:
        """A container's log, or that of its attempt before; nothing if there is none."""
        run = self._runs.get(uid_of(pod))
        attempts = sorted(each for name, each in (run.logs if run else {}) if name == container)
        wanted = attempts[-2:-1] if previous else attempts[-1:]
        if run is None or not wanted:
            return None
        return run.logs[container, wanted[0]].read(options)

    async def stop(self) -> None:
        """Ends all Pods' processes quickly."""
        self._stopped = True
        for run in self._runs.values():
            run.terminate(_STOP_GRACE)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=5 * _STOP_GRACE)
