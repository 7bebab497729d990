"""What is said of the processes that are kept running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dispatcher.local.python import python
from dispatcher.local.supervisor import Part, Running


def test_a_line_that_nobody_needs_is_left_out_and_all_others_are_said() -> None:
    said: list[tuple[str, str]] = []
    lines = "print('WARNING Memory is short'); print('ready'); import time; time.sleep(60)"
    part = Part("valkey", python("-u", "-c", lines), {}, told(said), unheard="WARNING Memory")

    asyncio.run(started_and_stopped(Running(part, lambda *line: said.append(line))))

    assert ("valkey", "ready") in said
    assert not [line for _, line in said if "Memory" in line]


def told(said: list[tuple[str, str]]) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return ("valkey", "ready") in said

    return ready


async def started_and_stopped(running: Running) -> None:
    await running.start()
    await running.stop()
