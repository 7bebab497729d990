"""Keeps processes running: starts them in order, says when one ends, starts it again, stops them all."""

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
"""A process that ran for so long starts again without a pause."""

Say = Callable[[str, str], None]
"""Takes the name of a part and a line of its log."""


class NotReady(DispatcherError):
    """A part did not come up."""


@dataclass(frozen=True)
class Part:
    """One process: how it is started, and how one can tell that it is ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ready: Callable[[], Awaitable[bool]]
    unheard: str = ""
    """Lines of its log that hold this are left out; "" for none."""


@dataclass
class Running:
    """A part that is kept running."""

    part: Part
    say: Say
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    _stopping: bool = False
    _keeper: asyncio.Task[None] | None = None
    _reader: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Returns once it is ready; raises NotReady."""
        await self._spawn()
        deadline = time.monotonic() + READY_SECONDS
        while not await self.part.ready():
            if self._ended() or time.monotonic() > deadline:
                await self.stop()
                raise NotReady(f"{self.part.name} did not come up; its last lines are above")
            await asyncio.sleep(0.03)
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for what is not gone in time."""
        self._stopping = True
        process = self.process
        if process and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                self.say(self.part.name, "does not stop; killed")
                process.kill()
                await process.wait()
        for task in (self._keeper, self._reader):
            if task:
                await task

    def _ended(self) -> bool:
        return self.process is None or self.process.returncode is not None

    async def _spawn(self) -> None:
        tether = python("-m", "dispatcher.local.tether", str(os.getpid()))
        self.process = await asyncio.create_subprocess_exec(
            *tether,
            *self.part.command,
            env={**os.environ, **python_path(), **self.part.environment},
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
            if not self.part.unheard or self.part.unheard not in text:
                # Whoever reads along may be gone; a part whose output nobody takes would stand still.
                with suppress(OSError):
                    self.say(self.part.name, text)

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while self.process is not None:
            begun = time.monotonic()
            code = await self.process.wait()
            if self._stopping:
                return
            self.restarts += 1
            pause = FIRST_PAUSE if time.monotonic() - begun > STEADY_SECONDS else pause
            self.say(self.part.name, f"ended ({_how(code)}); starting it again")
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
            if not self._stopping:
                await self._spawn_again()

    async def _spawn_again(self) -> None:
        """Where the system has no process to spare now, it is tried again like one that ends at once."""
        try:
            await self._spawn()
        except OSError as error:
            self.say(self.part.name, f"cannot be started: {error}")


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line; a line that is too long comes in pieces."""
    try:
        return await stream.readline()
    except ValueError:
        return await stream.read(65_536)


def _how(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
