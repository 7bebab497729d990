"""The supervisor keeps a process running and reads its log, whatever the system and the terminal do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from dispatcher.local.python import python
from dispatcher.local.supervisor import ProcessSpec, SupervisedProcess


def test_a_line_that_nobody_needs_is_left_out_and_all_others_are_said() -> None:
    said: list[tuple[str, str]] = []
    lines = "print('WARNING Memory is short'); print('ready'); import time; time.sleep(60)"
    spec = ProcessSpec("valkey", python("-u", "-c", lines), {}, told(said), muted="WARNING Memory")

    asyncio.run(started_and_stopped(SupervisedProcess(spec, lambda *line: said.append(line))))

    assert ("valkey", "ready") in said
    assert not [line for _, line in said if "Memory" in line]


def told(said: list[tuple[str, str]]) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return ("valkey", "ready") in said

    return ready


async def started_and_stopped(running: SupervisedProcess) -> None:
    await running.start()
    await running.stop()


class Starved(SupervisedProcess):
    """The system has no process to spare for a while."""

    refusals = 0

    async def _spawn(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise BlockingIOError("Resource temporarily unavailable")
        await super()._spawn()


def spec(script: str, ready: Callable[[], Awaitable[bool]]) -> ProcessSpec:
    return ProcessSpec("process", python("-c", script), {}, ready)


async def until(condition: Callable[[], bool]) -> bool:
    for _ in range(3000):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return False


def test_a_part_that_cannot_be_started_again_is_tried_again() -> None:
    lines: list[str] = []

    async def scenario() -> bool:
        async def ready() -> bool:
            return "up" in lines

        running = Starved(
            spec("import time; print('up', flush=True); time.sleep(600)", ready),
            lambda _, line: lines.append(line),
        )
        await running.start()
        running.refusals = 2
        assert running.process
        running.process.kill()
        came_back = await until(lambda: lines.count("up") == 2)
        await running.stop()
        return came_back

    assert asyncio.run(scenario())
    assert lines.count("cannot be started: Resource temporarily unavailable") == 2


def test_a_part_whose_lines_nobody_takes_does_not_stand_still(tmp_path: Path) -> None:
    """More than a pipe holds."""
    done = tmp_path / "done"
    script = f"import pathlib; [print('x' * 1000) for _ in range(500)]; pathlib.Path({str(done)!r}).touch()"

    def say(_: str, line: str) -> None:
        if line.startswith("x"):
            raise BrokenPipeError

    async def scenario() -> bool:
        async def ready() -> bool:
            return True

        running = SupervisedProcess(spec(script, ready), say)
        await running.start()
        finished = await until(done.exists)
        await running.stop()
        return finished

    assert asyncio.run(scenario())
