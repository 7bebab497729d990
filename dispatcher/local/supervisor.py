"""A supervisor of processes: starts each, waits until it is ready, restarts it when it ends, stops it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from dispatcher.domain.errors import DispatcherError
from dispatcher.local.python import python, python_path

READY_SECONDS = 30.0
STOP_SECONDS = 8.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
STEADY_SECONDS = 10.0
"""A process that ran for longer restarts after FIRST_PAUSE again."""

LogLine = Callable[[str, str], None]
"""Takes a process' name and a line of its log."""


class NotReady(DispatcherError):
    """A process did not become ready in time, or ended first."""


@dataclass(frozen=True)
class ProcessSpec:
    """One process: its command line, and a probe that says whether it is ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ready: Callable[[], Awaitable[bool]]
    muted: str = ""
    """The supervisor drops log lines that contain this; "" for none."""


@dataclass
class SupervisedProcess:
    """A process that the supervisor restarts whenever it ends."""

    spec: ProcessSpec
    log: LogLine
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    _stopping: bool = False
    _restarter: asyncio.Task[None] | None = None
    _reader: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Returns once it is ready; raises NotReady."""
        await self._spawn()
        deadline = time.monotonic() + READY_SECONDS
        while not await self.spec.ready():
            if self._ended() or time.monotonic() > deadline:
                await self.stop()
                raise NotReady(f"{self.spec.name} did not get ready; its last log lines are above")
            await asyncio.sleep(0.03)
        self._restarter = asyncio.create_task(self._restart())

    async def stop(self) -> None:
        """Sends SIGTERM, and SIGKILL if the process has not ended after STOP_SECONDS."""
        self._stopping = True
        process = self.process
        if process and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                self.log(self.spec.name, "does not stop; killed")
                process.kill()
                await process.wait()
        for task in (self._restarter, self._reader):
            if task:
                await task

    def _ended(self) -> bool:
        return self.process is None or self.process.returncode is not None

    async def _spawn(self) -> None:
        wrapper = python("-m", "dispatcher.local.parent_death", str(os.getpid()))
        self.process = await asyncio.create_subprocess_exec(
            *wrapper,
            *self.spec.command,
            env={**os.environ, **python_path(), **self.spec.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(self.process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        while line := await _line(process.stdout):
            text = line.decode(errors="replace").rstrip()
            if not self.spec.muted or self.spec.muted not in text:
                # The terminal may be closed. Keep reading: a process whose output nobody reads would block.
                with suppress(OSError):
                    self.log(self.spec.name, text)

    async def _restart(self) -> None:
        pause = FIRST_PAUSE
        while self.process is not None:
            begun = time.monotonic()
            code = await self.process.wait()
            if self._stopping:
                return
            self.restarts += 1
            pause = FIRST_PAUSE if time.monotonic() - begun > STEADY_SECONDS else pause
            self.log(self.spec.name, f"ended ({_how(code)}); starting it again")
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
            if not self._stopping:
                await self._spawn_again()

    async def _spawn_again(self) -> None:
        """If the system cannot start a process now, `_restart` tries again later."""
        try:
            await self._spawn()
        except OSError as error:
            self.log(self.spec.name, f"cannot be started: {error}")


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or a piece of a line that exceeds the stream's limit."""
    try:
        return await stream.readline()
    except ValueError:
        return await stream.read(65_536)


def _how(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
