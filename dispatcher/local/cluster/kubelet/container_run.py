"""One container of a Pod: its image, configuration, processes, restarts and back-off.

It sets its container's state and reports that through a function; what the state means for the Pod
it must not know.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dispatcher.local.cluster.apimachinery.objects import Clock, Object
from dispatcher.local.cluster.client.event_recorder import RecordPodEvent
from dispatcher.local.cluster.kubelet import process
from dispatcher.local.cluster.kubelet.environment import (
    ConfigurationError,
    Lookup,
    Source,
    command_line,
    environment,
)
from dispatcher.local.cluster.kubelet.guardian import Guardian
from dispatcher.local.cluster.kubelet.images import pull_problem
from dispatcher.local.cluster.kubelet.logs import ContainerLog
from dispatcher.local.cluster.kubelet.mounts import mounts_of
from dispatcher.local.cluster.kubelet.pod_status import (
    Container,
    Running,
    State,
    Terminated,
    Waiting,
    ended,
    not_started,
    restarts,
)

_MAX_BACKOFF = 300.0
_CREATING = Waiting("ContainerCreating")


@dataclass(slots=True)
class PodContext:
    """What the containers of a Pod share. `backoff` is in seconds.

    `stopping` is set when the Pod is to end, `changed` when a Secret or a ConfigMap has changed.
    """

    pod: Object
    directory: Path
    lookup: Lookup
    guard: Guardian
    clock: Clock
    backoff: float
    report: Callable[[], None]
    record: RecordPodEvent
    variables: Mapping[str, str]
    volumes: dict[str, Path] = field(default_factory=dict)
    logs: dict[tuple[str, int], ContainerLog] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, event: asyncio.Event, seconds: float | None = None) -> None:
        """Waits for an event, for the Pod's end, or for a time."""
        waits = [asyncio.ensure_future(each.wait()) for each in {event, self.stopping}]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return min(self.backoff * 2.0 ** min(failures - 1, 30), _MAX_BACKOFF)


Start = Callable[[], process.ContainerProcess]


class ContainerRun:
    """Runs a container from its first start to its last end."""

    def __init__(self, container: Container, context: PodContext) -> None:
        self.container = container
        self.process: process.ContainerProcess | None = None
        self.has_started = False
        self._context = context

    def signal(self, number: int) -> None:
        if self.process:
            self.process.signal(number)

    def stop(self, number: int) -> None:
        """Begins the container's end."""
        if self.process:
            self._record("Normal", "Killing", f"Stopping container {self.container.name}")
            self.process.signal(number)

    async def run(self, policy: str) -> None:
        """Runs it, again and again if the policy says so. Its last state isn't reported here."""
        while not self._context.stopping.is_set():
            final = await self._attempt()
            if final is None:
                continue
            self.container.state = final
            if self._context.stopping.is_set() or not restarts(policy, final):
                break
            self._context.report()
            await self._back_off(final)

    async def _attempt(self) -> Terminated | None:
        """One process from start to end; nothing, when it had to wait for something."""
        self._context.changed.clear()
        if problem := pull_problem(self.container.spec):
            await self._wait_for_image(problem)
            return None
        try:
            start = self._configure()
        except ConfigurationError as error:
            self._record("Warning", "Failed", f"Error: {error}")
            self._set(Waiting("CreateContainerConfigError", str(error)))
            await self._context.until(self._context.changed)
            return None
        try:
            return await self._follow(start)
        except process.StartError as error:
            self._record("Warning", "Failed", f"Error: {error}")
            self._log().close()
            return not_started(str(error))

    async def _wait_for_image(self, problem: Waiting) -> None:
        """Fails to pull, backs off, and backs off longer each time, as a real kubelet does."""
        back_off = f'Back-off pulling image "{self.container.spec.get("image", "")}"'
        waiting, failures = Waiting("ImagePullBackOff", f"{back_off}: {problem.message}"), 0
        while not self._context.stopping.is_set():
            failures += 1
            self._record("Warning", "Failed", f"Error: {problem.reason}: {problem.message}")
            self._set(problem)
            await self._pause(self._context.backoff)
            if problem.reason == "ErrImagePull":
                self._record("Normal", "BackOff", back_off)
                self._set(waiting)
            await self._pause(self._context.delay(failures))

    async def _pause(self, seconds: float) -> None:
        await self._context.until(self._context.stopping, seconds)

    def _configure(self) -> Start:
        """All that the process needs; raises `ConfigurationError`."""
        context, spec = self._context, self.container.spec
        mounts = mounts_of(spec, context.volumes, context.directory)
        declared = environment(spec, Source(context.pod, context.lookup, mounts))
        variables = {**context.variables, **declared}
        where = spec.get("workingDir")
        directory = Path(mounts.rewrite(where)) if where else context.directory / "home"
        words = command_line(spec, declared) if spec.get("command") else []

        def start() -> process.ContainerProcess:
            place = (directory, variables, self._log())
            return process.start(words, *place, context.guard, context.directory)

        return start

    async def _follow(self, start: Start) -> Terminated:
        """The process; raises `StartError`."""
        if isinstance(self.container.state, Waiting) and self.container.last is None:
            # That it may run is known before it does, see `reboot`.
            self._set(_CREATING)
        image = self.container.spec.get("image", "")
        name = self.container.name
        self._record("Normal", "Pulled", f'Container image "{image}" already present on machine')
        self.has_started = True
        self.process = start()
        self._record("Normal", "Created", f"Created container: {name}")
        self._record("Normal", "Started", f"Started container {name}")
        started = self._context.clock()
        self._set(Running(started))
        code = await self.process.wait()
        self.process = None
        self._log().close()
        return ended(code, started, self._context.clock())

    def _log(self) -> ContainerLog:
        key = (self.container.name, self.container.restarts)
        logs = self._context.logs
        if key not in logs:
            name, attempt = key
            logs[key] = ContainerLog(self._context.directory / "logs" / f"{name}-{attempt}.log")
        return logs[key]

    async def _back_off(self, final: Terminated) -> None:
        """The first restart comes at once, later ones after a growing delay, as in the kubelet."""
        self.container.last = final
        if self.container.restarts:
            delay = self._context.delay(self.container.restarts)
            message = f"back-off {delay:g}s restarting failed container={self.container.name}"
            self._record("Warning", "BackOff", f"Back-off {message.removeprefix('back-off ')}")
            self._set(Waiting("CrashLoopBackOff", message))
            await self._pause(delay)
        self.container.restarts += 1

    def _set(self, state: State) -> None:
        self.container.state = state
        self._context.report()

    def _record(self, kind: str, reason: str, message: str) -> None:
        self._context.record(kind, reason, message, self.container.name)
