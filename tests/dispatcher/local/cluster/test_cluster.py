"""A local cluster without one of its controllers would look like a cluster: it ends instead."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dispatcher.local.cluster.cluster import Settings, serve


def controllers() -> list[asyncio.Task[object]]:
    named = [(getattr(task.get_coro(), "__qualname__", ""), task) for task in asyncio.all_tasks()]
    return [task for name, task in named if name == "WorkQueue.run"]


def test_a_controller_that_ends_ends_the_cluster(tmp_path: Path) -> None:
    async def scenario() -> None:
        cluster = asyncio.create_task(serve(Settings(tmp_path / "cluster")))
        while not (running := controllers()):
            assert not cluster.done(), cluster.result()
            await asyncio.sleep(0.01)
        running[0].cancel()
        await cluster

    with pytest.raises(RuntimeError, match="a controller of the local cluster ended"):
        asyncio.run(scenario())
