from __future__ import annotations

import asyncio
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.local.cluster.kubelet import logs
from dispatcher.local.cluster.kubelet.logs import ContainerLog, LogOptions, tail_offset


@given(st.text("a\n", max_size=40), st.integers(0, 8), st.integers(1, 5))
def test_the_tail_is_found_whatever_the_blocks(text: str, lines: int, block: int) -> None:
    data = text.encode()
    before, logs._BLOCK = logs._BLOCK, block
    try:
        offset = tail_offset(io.BytesIO(data), lines)
    finally:
        logs._BLOCK = before
    assert data[offset:] == b"".join(data.splitlines(keepends=True)[-lines:] if lines else [])


def test_a_follower_reads_what_is_written_until_the_end(tmp_path: Path) -> None:
    async def scenario() -> bytes:
        log = ContainerLog(tmp_path / "log")
        log.append(b"before ")

        async def follow() -> bytes:
            return b"".join([piece async for piece in log.read(LogOptions(follow=True))])

        follower = asyncio.create_task(follow())
        await asyncio.sleep(0)
        log.append(b"after")
        log.close()
        return await follower

    assert asyncio.run(scenario()) == b"before after"
