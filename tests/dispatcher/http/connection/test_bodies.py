"""Bodies are bounded in bytes, in time and all together. Over a connection: see test_hooks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from starlette.requests import Request
from starlette.types import Message

from dispatcher.http.connection.bodies import Bodies
from dispatcher.http.responses import ErrorResponse

TOO_LARGE = ErrorResponse(413, "body_too_large", "too large")


def request(chunks: Iterable[bytes], *, ends: str = "whole", length: str = "") -> Request:
    """Its body comes in these chunks, and then ends, hangs or breaks off."""
    waiting = list(chunks)

    async def receive() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(0), "more_body": True}
        if ends == "broken":
            return {"type": "http.disconnect"}
        if ends == "hanging":
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"content-length", length.encode())] if length else []
    return Request({"type": "http", "headers": headers}, receive)


async def read(bodies: Bodies, sent: Request, limit: int = 10) -> bytes:
    async with bodies.of(sent, limit, TOO_LARGE) as body:
        return body


def refusal(bodies: Bodies, sent: Request) -> tuple[int, str]:
    with pytest.raises(ErrorResponse) as refused:
        asyncio.run(read(bodies, sent))
    return refused.value.status, refused.value.code


def test_a_body_arrives_in_parts() -> None:
    assert asyncio.run(read(Bodies(), request([b"12345", b"67890"]))) == b"1234567890"


def test_one_byte_too_many() -> None:
    assert refusal(Bodies(), request([b"12345", b"678901"])) == (413, "body_too_large")


@pytest.mark.parametrize("length", ["11", "9" * 30])
def test_a_length_that_is_said_is_believed_if_too_large(length: str) -> None:
    assert refusal(Bodies(), request([b"1"], length=length)) == (413, "body_too_large")


@pytest.mark.parametrize("length", ["-1", "x", "\N{SUPERSCRIPT TWO}"])
def test_a_length_that_is_none_is_not_believed(length: str) -> None:
    assert asyncio.run(read(Bodies(), request([b"1"], length=length))) == b"1"


def test_a_body_that_does_not_come() -> None:
    assert refusal(Bodies(seconds=0.01), request([b"1"], ends="hanging")) == (408, "body_too_slow")


def test_a_body_that_breaks_off() -> None:
    assert refusal(Bodies(), request([b"1"], ends="broken")) == (400, "body_incomplete")


def test_all_together_have_a_bound_too_and_make_room_when_they_are_done() -> None:
    bodies = Bodies(most=15, small=0)

    async def two_at_a_time() -> None:
        async with bodies.of(request([b"1234567890"]), 10, TOO_LARGE):
            with pytest.raises(ErrorResponse) as refused:
                await read(bodies, request([b"1234567890"]))
            assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "5")
        assert await read(bodies, request([b"1234567890"])) == b"1234567890"

    asyncio.run(two_at_a_time())


def test_a_small_one_is_taken_although_large_ones_fill_the_room() -> None:
    bodies = Bodies(most=20, small=5)

    async def beside_a_large_one() -> None:
        async with bodies.of(request([b"1234567890" * 2]), 20, TOO_LARGE):
            assert await read(bodies, request([b"12345"])) == b"12345"
            with pytest.raises(ErrorResponse):
                await read(bodies, request([b"123456"]))

    asyncio.run(beside_a_large_one())


def test_what_is_slow_inside_the_block_is_no_slow_body() -> None:
    async def slow() -> None:
        async with Bodies().of(request([b"1"]), 10, TOO_LARGE):
            raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(slow())
