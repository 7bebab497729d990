"""One Pod on the node: runs its containers from the first start to the last end.

One task per Pod. It reports each change of state through a function that is passed in. It must not
know the store nor the API.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from dispatcher.local.cluster.apimachinery.objects import Clock, Object, name_of
from dispatcher.local.cluster.client.event_recorder import RecordPodEvent
from dispatcher.local.cluster.kubelet.container_run import ContainerRun, PodContext
from dispatcher.local.cluster.kubelet.environment import ConfigurationError, Lookup
from dispatcher.local.cluster.kubelet.guardian import Guardian, kill_marked
from dispatcher.local.cluster.kubelet.logs import ContainerLog
from dispatcher.local.cluster.kubelet.pod_status import Container, Failure, PodState, Waiting
from dispatcher.local.cluster.kubelet.volume_limits import overrun
from dispatcher.local.cluster.kubelet.volumes import prepare

_INHERITED = ("PATH", "LANG", "TMPDIR")
_DEADLINE = Failure(
    "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
)
_LOOK_EVERY = 0.5


class PodRun:
    """`report` is called with the Pod's state whenever it changed, `record` with each event.

    `backoff` is in seconds.
    """

    def __init__(
        self,
        pod: Object,
        directory: Path,
        *,
        lookup: Lookup,
        guard: Guardian,
        clock: Clock,
        backoff: float,
        report: Callable[[PodState], None],
        record: RecordPodEvent,
    ) -> None:
        self.pod = pod
        self.directory = directory
        self.state = _initial_state(pod, clock)
        self._report = report
        self._context = PodContext(
            pod=pod,
            directory=directory,
            lookup=lookup,
            guard=guard,
            clock=clock,
            backoff=backoff,
            report=lambda: report(self.state),
            record=record,
            variables=_variables(pod, directory),
        )
        self._init = [ContainerRun(each, self._context) for each in self.state.init]
        self._main = [ContainerRun(each, self._context) for each in self.state.main]
        self._kill: asyncio.TimerHandle | None = None

    @property
    def logs(self) -> dict[tuple[str, int], ContainerLog]:
        """The containers' logs, by name and attempt."""
        return self._context.logs

    @property
    def _all(self) -> Sequence[ContainerRun]:
        return [*self._init, *self._main]

    async def run(self) -> None:
        """Runs the Pod to its end; then `state.terminal` is set and everything is reported."""
        deadline = self._start_deadline()
        limits = asyncio.ensure_future(self._watch_volumes())
        try:
            self._report(self.state)
            await self._run_containers()
        finally:
            limits.cancel()
            for timer in (deadline, self._kill):
                if timer:
                    timer.cancel()
        await self._kill_escaped()
        self.state.terminal = True
        self._report(self.state)

    async def _kill_escaped(self) -> None:
        """Kills processes that left their container's process group."""
        if any(each.has_started for each in self._all):
            await asyncio.to_thread(kill_marked, self.directory)

    def terminate(self, grace: float, failure: Failure | None = None) -> None:
        """Ends the Pod: SIGTERM now, SIGKILL after `grace` seconds. A shorter grace counts."""
        if not self._context.stopping.is_set():
            self._context.stopping.set()
            self.state.failure = failure
            for each in self._all:
                each.stop(signal.SIGTERM if grace > 0 else signal.SIGKILL)
        elif grace <= 0:
            self._signal(signal.SIGKILL)
        loop = asyncio.get_running_loop()
        if self._kill and self._kill.when() <= loop.time() + grace:
            return
        if self._kill:
            self._kill.cancel()
        self._kill = loop.call_later(grace, self._signal, signal.SIGKILL)

    def configuration_changed(self) -> None:
        """Retries what waits for a Secret or a ConfigMap."""
        self._context.changed.set()

    def _signal(self, number: int) -> None:
        for each in self._all:
            each.signal(number)

    def _start_deadline(self) -> asyncio.TimerHandle | None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        if seconds is None:
            return None
        return asyncio.get_running_loop().call_later(seconds, self._exceed_deadline)

    def _exceed_deadline(self) -> None:
        self.terminate(self.pod["spec"].get("terminationGracePeriodSeconds") or 0, _DEADLINE)

    async def _watch_volumes(self) -> None:
        """Evicts the Pod when one of its volumes exceeds its limit."""
        limited = [each for each in self.pod["spec"].get("volumes") or [] if _is_limited(each)]
        while limited and not self._context.stopping.is_set():
            if message := await asyncio.to_thread(overrun, limited, self._context.volumes):
                self.evict(Failure("Evicted", message))
            await asyncio.sleep(_LOOK_EVERY)

    def evict(self, failure: Failure) -> None:
        """Ends the Pod at once, as a node under pressure does."""
        self._context.record("Warning", failure.reason, failure.message, "")
        self.terminate(0, failure)

    async def _run_containers(self) -> None:
        if not await self._prepare():
            return
        for each in self._init:
            await self._run_container(each, "Never" if self._never else "OnFailure")
            if not each.container.has_succeeded:
                return
        async with asyncio.TaskGroup() as group:
            for each in self._main:
                group.create_task(self._run_container(each, self.state.policy))

    @property
    def _never(self) -> bool:
        return self.state.policy == "Never"

    async def _run_container(self, each: ContainerRun, policy: str) -> None:
        await each.run(policy)
        # The end of the last container is reported as the end of the Pod, in one step.
        if not all(main.has_ended for main in self.state.main):
            self._report(self.state)

    async def _prepare(self) -> bool:
        """Creates the volumes, as soon as their Secrets and ConfigMaps exist."""
        context = self._context
        while not context.stopping.is_set():
            context.changed.clear()
            try:
                context.volumes |= prepare(self.pod, self.directory, context.lookup)
            except ConfigurationError as error:
                context.record("Warning", "FailedMount", f"MountVolume.SetUp failed: {error}", "")
                for each in self._init[:1] or self._main:
                    each.container.state = Waiting("ContainerCreating", str(error))
                self._report(self.state)
                await context.until(context.changed)
            else:
                return True
        return False


def _initial_state(pod: Object, clock: Clock) -> PodState:
    """All containers wait: the first for its creation, what comes later for the Pod."""
    spec = pod["spec"]
    init = [Container(each) for each in spec.get("initContainers") or []]
    main = [Container(each) for each in spec["containers"]]
    for container in (*init[1:], *(main if init else ())):
        container.state = Waiting("PodInitializing")
    return PodState(init=init, main=main, policy=spec["restartPolicy"], started=clock())


def _variables(pod: Object, directory: Path) -> dict[str, str]:
    inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    return inherited | {"HOME": str(directory / "home"), "HOSTNAME": name_of(pod)}


def _is_limited(volume: Object) -> bool:
    return bool((volume.get("emptyDir") or {}).get("sizeLimit"))
