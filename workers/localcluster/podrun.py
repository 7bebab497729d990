"""One Pod's life on the node: its containers' processes from the first to the last.

One task per Pod. It reports every change of state through a function that it is given, and knows
neither the store nor the API.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from workers.localcluster import process
from workers.localcluster.environment import (
    ConfigurationError,
    Lookup,
    Source,
    command_line,
    environment,
)
from workers.localcluster.guardian import Guardian
from workers.localcluster.logs import ContainerLog
from workers.localcluster.mounts import mounts_of
from workers.localcluster.objects import Clock, Object, name_of
from workers.localcluster.podstatus import (
    Container,
    PodState,
    Running,
    State,
    Terminated,
    Waiting,
    ended,
    not_started,
    restarts,
)
from workers.localcluster.volumes import prepare

_INHERITED = ("PATH", "LANG", "TMPDIR")
_MAX_BACKOFF = 300.0
_DEADLINE = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")


class PodRun:
    """`report` is called with the Pod's state whenever it changed. `backoff` is in seconds."""

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
    ) -> None:
        spec = pod["spec"]
        self.pod = pod
        self.directory = directory
        self.logs: dict[tuple[str, int], ContainerLog] = {}
        self.state = PodState(
            init=[Container(each) for each in spec.get("initContainers") or []],
            main=[Container(each) for each in spec["containers"]],
            policy=spec["restartPolicy"],
            started=clock(),
        )
        self._lookup, self._guard, self._clock = lookup, guard, clock
        self._backoff = backoff
        self._report = report
        self._volumes: dict[str, Path] = {}
        self._processes: set[process.ContainerProcess] = set()
        self._stopping = asyncio.Event()
        self._inputs_changed = asyncio.Event()
        self._kill: asyncio.TimerHandle | None = None
        if self.state.init:
            for container in self.state.main:
                container.state = Waiting("PodInitializing")

    async def run(self) -> None:
        """Runs the Pod to its end; then `state.terminal` is set and everything is reported."""
        deadline = self._start_deadline()
        try:
            self._report(self.state)
            await self._run_containers()
        finally:
            for timer in (deadline, self._kill):
                if timer:
                    timer.cancel()
        self.state.terminal = True
        self._report(self.state)

    def terminate(self, grace: float) -> None:
        """Ends the Pod: SIGTERM now, SIGKILL after `grace` seconds. A shorter grace counts."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._signal(signal.SIGTERM)
        loop = asyncio.get_running_loop()
        if self._kill and self._kill.when() <= loop.time() + grace:
            return
        if self._kill:
            self._kill.cancel()
        self._kill = loop.call_later(grace, self._signal, signal.SIGKILL)

    def reconsider(self) -> None:
        """Something that the Pod may be waiting for has changed."""
        self._inputs_changed.set()

    def _signal(self, number: int) -> None:
        for each in self._processes:
            each.signal(number)

    def _start_deadline(self) -> asyncio.TimerHandle | None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        if seconds is None:
            return None
        return asyncio.get_running_loop().call_later(seconds, self._exceed_deadline)

    def _exceed_deadline(self) -> None:
        self.state.failure = _DEADLINE
        self.terminate(self.pod["spec"].get("terminationGracePeriodSeconds") or 0)

    async def _run_containers(self) -> None:
        if not await self._prepare():
            return
        for container in self.state.init:
            await self._run_container(container)
            if not container.has_succeeded:
                return
        for container in self.state.main:
            container.state = Waiting()
        async with asyncio.TaskGroup() as group:
            for container in self.state.main:
                group.create_task(self._run_container(container))

    async def _prepare(self) -> bool:
        """Makes the volumes, as soon as what they are made from is there."""
        while not self._stopping.is_set():
            self._inputs_changed.clear()
            try:
                self._volumes = prepare(self.pod, self.directory, self._lookup)
            except ConfigurationError as error:
                self._set(self.state.main[0], Waiting("ContainerCreating", str(error)))
                await self._until(self._inputs_changed)
            else:
                return True
        return False

    async def _run_container(self, container: Container) -> None:
        """Runs a container, again and again if the Pod's policy says so."""
        while not self._stopping.is_set():
            final = await self._attempt(container)
            if final is None:
                continue
            container.state = final
            if self._stopping.is_set() or not restarts(self.state.policy, final):
                break
            self._report(self.state)
            await self._back_off(container, final)
        # The end of the last container is reported as the end of the Pod, in one step.
        if not all(each.has_ended for each in self.state.main):
            self._report(self.state)

    async def _attempt(self, container: Container) -> Terminated | None:
        """One process from start to end; nothing, when it had to wait for its configuration."""
        self._inputs_changed.clear()
        try:
            running = self._start(container)
        except ConfigurationError as error:
            self._set(container, Waiting("CreateContainerConfigError", str(error)))
            await self._until(self._inputs_changed)
            return None
        except process.StartError as error:
            self._log(container).close()
            return not_started(str(error))
        started = self._clock()
        self._processes.add(running)
        self._set(container, Running(started))
        code = await running.wait()
        self._processes.discard(running)
        self._log(container).close()
        return ended(code, started, self._clock())

    def _start(self, container: Container) -> process.ContainerProcess:
        mounts = mounts_of(container.spec, self._volumes, self.directory)
        source = Source(self.pod, self._lookup, mounts)
        declared = environment(container.spec, source)
        variables = self._base_environment() | declared
        where = container.spec.get("workingDir")
        directory = Path(mounts.rewrite(where)) if where else self.directory / "home"
        words = command_line(container.spec, declared) if container.spec.get("command") else []
        return process.start(words, directory, variables, self._log(container), self._guard)

    def _base_environment(self) -> dict[str, str]:
        inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        return inherited | {"HOME": str(self.directory / "home"), "HOSTNAME": name_of(self.pod)}

    def _log(self, container: Container) -> ContainerLog:
        key = (container.name, container.restarts)
        if key not in self.logs:
            file = f"{container.name}-{container.restarts}.log"
            self.logs[key] = ContainerLog(self.directory / "logs" / file)
        return self.logs[key]

    async def _back_off(self, container: Container, final: Terminated) -> None:
        """The first restart comes at once, later ones after a growing delay, as in the kubelet."""
        container.last = final
        if container.restarts:
            delay = min(self._backoff * 2.0 ** min(container.restarts - 1, 30), _MAX_BACKOFF)
            self._set(container, Waiting("CrashLoopBackOff", f"back-off {delay:g}s restarting"))
            await self._until(self._stopping, delay)
        container.restarts += 1

    async def _until(self, event: asyncio.Event, seconds: float | None = None) -> None:
        """Waits for an event, for the Pod's end, or for a time."""
        waits = [asyncio.ensure_future(each.wait()) for each in {event, self._stopping}]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def _set(self, container: Container, state: State) -> None:
        container.state = state
        self._report(self.state)
