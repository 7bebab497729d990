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


def read(log: ContainerLog, options: LogOptions) -> bytes:
    async def all_of_it() -> bytes:
        return b"".join([piece async for piece in log.read(options)])

    return asyncio.run(all_of_it())


def test_lines_keep_their_times_when_the_log_is_opened_again(tmp_path: Path) -> None:
    times = iter([1_000_000_000, 2_500_000_000, 2_500_000_001])
    log = ContainerLog(tmp_path / "log", lambda: next(times))
    for part in (b"one\ntw", b"o\nthree\n", b"four"):
        log.append(part)
    log.close()
    again = ContainerLog(tmp_path / "log")
    again.close()

    for each in (log, again):
        assert read(each, LogOptions(timestamps=True)).decode().splitlines() == [
            "1970-01-01T00:00:01.000000000Z one",
            "1970-01-01T00:00:01.000000000Z two",
            "1970-01-01T00:00:02.500000000Z three",
            "1970-01-01T00:00:02.500000001Z four",
        ]
        assert read(each, LogOptions(since=2_000_000_000)) == b"three\nfour"
        assert read(each, LogOptions(since=3_000_000_000)) == b""
        assert read(each, LogOptions(since=1_000_000_000, limit=5)) == b"one\nt"
